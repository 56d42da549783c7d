//! Pictures with too long a side are scaled down, so that a screenshot of a whole page is no
//! mistake of the client. The result is encoded anew, in the same format where it can be: JPEG
//! stays lossy, PNG and WebP are lossless, GIF becomes PNG.

use std::io::{self, Write};
use std::num::NonZeroU32;

use conversation::ImageFormat;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageResult};

/// Losses that are hard to see, at a fraction of the bytes.
const JPEG_QUALITY: u8 = 85;

/// Width and height with the longest side at most `most`, in proportion. `None` if they are so
/// already.
pub(super) fn fit(width: u32, height: u32, most: NonZeroU32) -> Option<(u32, u32)> {
    let (most, longest) = (u64::from(most.get()), u64::from(width.max(height)));
    if longest <= most {
        return None;
    }
    let shrunk = |side: u32| {
        let side = (u64::from(side) * most + longest / 2) / longest;
        u32::try_from(side).unwrap_or(u32::MAX).max(1)
    };
    Some((shrunk(width), shrunk(height)))
}

/// A picture that was encoded anew.
#[derive(Debug)]
pub(super) struct Shrunk {
    pub(super) format: ImageFormat,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) data: Vec<u8>,
}

/// Scales a picture. Takes it, so that it is gone before the result is encoded: at most the two
/// are in memory together. The box filter needs no further room, unlike smoother ones.
///
/// `orientation` is what the file told of the picture's; the new file has no such note, so the
/// picture itself is turned.
///
/// # Errors
/// The result has more than `max_bytes` bytes.
pub(super) fn shrink(
    picture: DynamicImage,
    (width, height): (u32, u32),
    orientation: Orientation,
    format: ImageFormat,
    max_bytes: usize,
) -> ImageResult<Shrunk> {
    let mut small = picture.thumbnail_exact(width, height);
    drop(picture);
    small.apply_orientation(orientation);
    let mut out = Bounded { data: Vec::new(), max_bytes };
    let format = match format {
        ImageFormat::Jpeg => {
            let encoder = JpegEncoder::new_with_quality(&mut out, JPEG_QUALITY);
            small.write_with_encoder(encoder)?;
            ImageFormat::Jpeg
        }
        ImageFormat::WebP => {
            small.write_with_encoder(WebPEncoder::new_lossless(&mut out))?;
            ImageFormat::WebP
        }
        ImageFormat::Png | ImageFormat::Gif => {
            small.write_with_encoder(PngEncoder::new(&mut out))?;
            ImageFormat::Png
        }
    };
    Ok(Shrunk { format, width: small.width(), height: small.height(), data: out.data })
}

/// Takes only so many bytes.
struct Bounded {
    data: Vec<u8>,
    max_bytes: usize,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.data.len() + bytes.len() > self.max_bytes {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        self.data.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
