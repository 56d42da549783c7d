//! Pictures that clients send: bounded before they are decoded, and looked at before they are
//! passed on. The bytes go on as they came, unless a side is too long: see [`scale`].

use std::collections::HashMap;
use std::io::Cursor;
use std::num::NonZeroU32;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use conversation::{Failure, FailureClass, Image, ImageFormat};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder as _, ImageReader, ImageResult, Limits};

use self::anatomy::{gif_is_animated, jpeg_has_end};

mod anatomy;
mod scale;

/// Bounds for the images of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImagePolicy {
    /// Largest image, in bytes.
    pub max_bytes: usize,
    /// Largest image, width times height. All images of a request together may have eight times
    /// as many, because each of them is decoded once to see that it is whole.
    pub max_pixels: u64,
    /// Longest side that is passed on, in pixels; a larger image is scaled down to it. `None`
    /// passes all on that are within `max_pixels`.
    pub max_side: Option<NonZeroU32>,
    /// Most images in one request.
    pub max_count: usize,
    /// Whether pictures behind `http` and `https` URLs are taken.
    pub remote: bool,
}

impl Default for ImagePolicy {
    fn default() -> Self {
        Self {
            max_bytes: 20 << 20,
            max_pixels: 50_000_000,
            max_side: NonZeroU32::new(8000),
            max_count: 50,
            remote: false,
        }
    }
}

/// What a decoder may use: the bounds, and the pictures behind URLs that were fetched for it.
#[derive(Debug, Clone, Default)]
pub struct Images {
    pub policy: ImagePolicy,
    /// Bytes by URL, exactly as the URL stands in the request.
    pub fetched: HashMap<String, Bytes>,
}

impl From<ImagePolicy> for Images {
    fn from(policy: ImagePolicy) -> Self {
        Self { policy, fetched: HashMap::new() }
    }
}

/// All images together, in multiples of the largest.
const TOTAL_PIXELS: u64 = 8;
/// The decoder's own buffers.
const DECODER_ROOM: u64 = 16 << 20;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Takes the images of one request.
#[derive(Debug)]
pub(crate) struct Pictures<'a> {
    policy: &'a ImagePolicy,
    fetched: &'a HashMap<String, Bytes>,
    wanted: Vec<String>,
    count: usize,
    pixels: u64,
}

impl<'a> Pictures<'a> {
    pub(crate) fn new(images: &'a Images) -> Self {
        let Images { policy, fetched } = images;
        Self { policy, fetched, wanted: Vec::new(), count: 0, pixels: 0 }
    }

    /// The URLs that stood in the request and were not fetched yet.
    pub(crate) fn into_wanted(self) -> Vec<String> {
        self.wanted
    }

    /// Largest attachment, picture or not.
    pub(crate) fn max_bytes(&self) -> usize {
        self.policy.max_bytes
    }

    /// The image behind a URL; `path` is the field that holds it. `None` when it has to be fetched
    /// first.
    ///
    /// # Errors
    /// No data URI, or not a picture that the upstream takes, or over a bound.
    pub(crate) fn read(&mut self, url: &str, path: &str) -> Result<Option<Image>, Failure> {
        self.count_one(path)?;
        if let Some(uri) = DataUri::parse(url) {
            let data = uri.decode(self.policy.max_bytes, path)?;
            return self.look_at(data, path).map(Some);
        }
        if !self.policy.remote || !is_remote(url) {
            return Err(not_a_picture_uri(url, path));
        }
        if let Some(data) = self.fetched.get(url) {
            return self.look_at(data.to_vec(), path).map(Some);
        }
        if !self.wanted.iter().any(|wanted| wanted == url) {
            self.wanted.push(url.to_owned());
        }
        Ok(None)
    }

    /// The image in a field of base64 text.
    ///
    /// # Errors
    /// Not base64, or not a picture that the upstream takes, or over a bound.
    pub(crate) fn read_base64(&mut self, payload: &str, path: &str) -> Result<Image, Failure> {
        self.count_one(path)?;
        let data = DataUri { media_type: "", payload }.decode(self.policy.max_bytes, path)?;
        self.look_at(data, path)
    }

    fn count_one(&mut self, path: &str) -> Result<(), Failure> {
        self.count += 1;
        if self.count > self.policy.max_count {
            let message =
                format!("Too many images: at most {} are accepted.", self.policy.max_count);
            return Err(Failure::invalid(path, message));
        }
        Ok(())
    }

    fn look_at(&mut self, data: Vec<u8>, path: &str) -> Result<Image, Failure> {
        let format = guess(&data).ok_or_else(|| {
            Failure::invalid(
                path,
                "You uploaded an unsupported image. Please make sure your image is valid and has \
                 one of the following formats: PNG, JPEG, WebP, non-animated GIF.",
            )
        })?;
        let (width, height) = reader(&data, format, None)
            .into_dimensions()
            .map_err(|error| damaged(format, &error, path))?;
        let pixels = u64::from(width) * u64::from(height);
        self.pixels = self.pixels.saturating_add(pixels);
        self.check_size(width, height, path)?;
        if format == ImageFormat::Gif && gif_is_animated(&data) {
            return Err(Failure::invalid(path, "Animated GIF images are not supported."));
        }
        let (picture, orientation) =
            decode(&data, format, self.memory()).map_err(|error| damaged(format, &error, path))?;
        if format == ImageFormat::Jpeg && !jpeg_has_end(&data) {
            return Err(Failure::invalid(path, "The JPEG image is damaged or cut off."));
        }
        match self.policy.max_side.and_then(|most| scale::fit(width, height, most)) {
            None => Ok(Image { format, width, height, data }),
            Some(size) => {
                drop(data);
                self.shrunk(picture, size, orientation, format, path)
            }
        }
    }

    /// Bytes that one picture may unpack to.
    fn memory(&self) -> u64 {
        self.policy.max_pixels.saturating_mul(4).saturating_add(DECODER_ROOM)
    }

    fn shrunk(
        &self,
        picture: DynamicImage,
        size: (u32, u32),
        orientation: Orientation,
        format: ImageFormat,
        path: &str,
    ) -> Result<Image, Failure> {
        let max_bytes = self.policy.max_bytes;
        match scale::shrink(picture, size, orientation, format, max_bytes) {
            Ok(scale::Shrunk { format, width, height, data }) => {
                Ok(Image { format, width, height, data })
            }
            // Every format is encoded from colours that it was decoded to: only room can lack.
            Err(error) => {
                let message = format!(
                    "The image is too large: scaled down it still has more than {max_bytes} bytes."
                );
                let failure = Failure::new(FailureClass::TooLarge, message)
                    .log(format!("{path}: encoding the scaled image: {error}"));
                Err(Failure { param: Some(path.to_owned()), ..failure })
            }
        }
    }

    fn check_size(&self, width: u32, height: u32, path: &str) -> Result<(), Failure> {
        let most = self.policy.max_pixels;
        if u64::from(width) * u64::from(height) > most {
            let message = format!(
                "The image is too large: {width} × {height} pixels, where at most {most} pixels \
                 are accepted."
            );
            return Err(Failure::invalid(path, message));
        }
        if self.pixels > most.saturating_mul(TOTAL_PIXELS) {
            let message = "The images of the request are too large together. Send fewer or \
                           smaller ones.";
            return Err(Failure::invalid(path, message));
        }
        Ok(())
    }
}

fn guess(data: &[u8]) -> Option<ImageFormat> {
    match image::guess_format(data).ok()? {
        image::ImageFormat::Png => Some(ImageFormat::Png),
        image::ImageFormat::Jpeg => Some(ImageFormat::Jpeg),
        image::ImageFormat::WebP => Some(ImageFormat::WebP),
        image::ImageFormat::Gif => Some(ImageFormat::Gif),
        _ => None,
    }
}

fn reader(data: &[u8], format: ImageFormat, memory: Option<u64>) -> ImageReader<Cursor<&[u8]>> {
    let format = match format {
        ImageFormat::Png => image::ImageFormat::Png,
        ImageFormat::Jpeg => image::ImageFormat::Jpeg,
        ImageFormat::WebP => image::ImageFormat::WebP,
        ImageFormat::Gif => image::ImageFormat::Gif,
    };
    let mut reader = ImageReader::with_format(Cursor::new(data), format);
    let mut limits = Limits::default();
    limits.max_alloc = memory.or(limits.max_alloc);
    reader.limits(limits);
    reader
}

/// The picture, and how its file wants it to be turned.
fn decode(
    data: &[u8],
    format: ImageFormat,
    memory: u64,
) -> ImageResult<(DynamicImage, Orientation)> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(memory);
    let mut decoder = reader(data, format, Some(memory)).into_decoder()?;
    limits.reserve(decoder.total_bytes())?;
    decoder.set_limits(limits)?;
    // A note that cannot be read turns nothing.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    Ok((DynamicImage::from_decoder(decoder)?, orientation))
}

fn damaged(format: ImageFormat, error: &image::ImageError, path: &str) -> Failure {
    let name = match format {
        ImageFormat::Png => "PNG",
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::WebP => "WebP",
        ImageFormat::Gif => "GIF",
    };
    Failure::invalid(path, format!("The {name} image is damaged or cut off."))
        .log(format!("{path}: {name} image does not decode: {error}"))
}

fn not_a_picture_uri(url: &str, path: &str) -> Failure {
    let message = if starts_with_ignoring_case(url, "data:") {
        "Expected a base64-encoded data URI such as 'data:image/png;base64,iVBORw0KGgo='."
    } else {
        "Images behind a URL are not fetched: only data URIs \
         ('data:image/png;base64,…') are accepted."
    };
    Failure::invalid(path, message)
}

fn is_remote(url: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| starts_with_ignoring_case(url, scheme))
}

fn starts_with_ignoring_case(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

/// `data:<media type>;base64,<payload>`
pub(crate) struct DataUri<'a> {
    /// Without parameters, as written.
    pub(crate) media_type: &'a str,
    payload: &'a str,
}

impl<'a> DataUri<'a> {
    pub(crate) fn parse(url: &'a str) -> Option<Self> {
        let url = url.trim_ascii();
        if !starts_with_ignoring_case(url, "data:") {
            return None;
        }
        let (head, payload) = url["data:".len()..].split_once(',')?;
        let mut words = head.split(';').map(str::trim_ascii);
        let media_type = words.next()?;
        words
            .any(|word| word.eq_ignore_ascii_case("base64"))
            .then_some(Self { media_type, payload })
    }

    /// The bytes, whose number is checked before any of them is decoded.
    ///
    /// # Errors
    /// Too many, none, or not base64.
    pub(crate) fn decode(&self, max_bytes: usize, path: &str) -> Result<Vec<u8>, Failure> {
        let blanks = self.payload.bytes().filter(u8::is_ascii_whitespace).count();
        let padding = self.payload.bytes().rev().take(4).filter(|&b| b == b'=').count();
        let digits = self.payload.len() - blanks - padding;
        if digits / 4 * 3 + (digits % 4).saturating_sub(1) > max_bytes {
            let message = format!("The data is too large: at most {max_bytes} bytes are accepted.");
            let param = Some(path.to_owned());
            return Err(Failure { param, ..Failure::new(FailureClass::TooLarge, message) });
        }
        let not_base64 = || Failure::invalid(path, "The data URI does not hold valid base64.");
        let url_safe = self.payload.bytes().any(|b| b == b'-' || b == b'_');
        let engine = if url_safe { &URL_SAFE } else { &STANDARD };
        let decoded = if blanks == 0 {
            engine.decode(self.payload)
        } else {
            let dense: Vec<u8> =
                self.payload.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
            engine.decode(dense)
        };
        match decoded {
            Ok(bytes) if !bytes.is_empty() => Ok(bytes),
            Ok(_) | Err(_) => Err(not_base64()),
        }
    }
}

#[cfg(test)]
mod tests;
