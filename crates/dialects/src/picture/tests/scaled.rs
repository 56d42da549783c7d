//! Pictures whose longest side is over the bound.

use super::*;

fn side(most: u32) -> Images {
    Images::from(ImagePolicy { max_side: NonZeroU32::new(most), ..ImagePolicy::default() })
}

fn read_with(images: &Images, data: &[u8]) -> Result<Image, Failure> {
    let read = Pictures::new(images).read(&uri("image/png", data), "p")?;
    Ok(read.expect("no data URI has to be fetched"))
}

fn pixels(image: &Image) -> RgbImage {
    image::load_from_memory(&image.data).expect("decodes").to_rgb8()
}

#[test]
fn a_long_side_is_brought_to_the_bound_in_proportion() {
    for (encoded, expected) in [
        (image::ImageFormat::Png, ImageFormat::Png),
        (image::ImageFormat::Jpeg, ImageFormat::Jpeg),
        (image::ImageFormat::WebP, ImageFormat::WebP),
        (image::ImageFormat::Gif, ImageFormat::Png),
    ] {
        for ((width, height), size) in
            [((300, 150), (100, 50)), ((150, 301), (50, 100)), ((300, 1), (100, 1))]
        {
            let image = read_with(&side(100), &picture(encoded, width, height)).expect("scaled");
            assert_eq!((image.format, image.width, image.height), (expected, size.0, size.1));
            assert_eq!(guess(&image.data), Some(expected), "{encoded:?}");
            assert_eq!(pixels(&image).dimensions(), size);
        }
    }
}

#[test]
fn the_default_bound_is_8000_pixels() {
    let image =
        read(&uri("image/png", &picture(image::ImageFormat::Png, 8001, 2))).expect("scaled");
    assert_eq!((image.width, image.height), (8000, 2));
    let data = picture(image::ImageFormat::Png, 8000, 2);
    assert_eq!(read(&uri("image/png", &data)).expect("kept").data, data);
}

#[test]
fn a_picture_within_the_bound_keeps_its_bytes() {
    for (encoded, _) in FORMATS {
        let data = picture(encoded, 100, 40);
        assert_eq!(read_with(&side(100), &data).expect("kept").data, data);
        assert_eq!(read_with(&side(0), &data).expect("no bound").data, data);
    }
}

#[test]
fn the_scaled_picture_looks_the_same() {
    let halves = RgbImage::from_fn(400, 200, |x, _| {
        image::Rgb(if x < 200 { [250, 10, 10] } else { [10, 10, 250] })
    });
    for format in [image::ImageFormat::Png, image::ImageFormat::Jpeg, image::ImageFormat::WebP] {
        let mut out = Cursor::new(Vec::new());
        DynamicImage::from(halves.clone()).write_to(&mut out, format).expect("encodes");
        let small = pixels(&read_with(&side(40), &out.into_inner()).expect("scaled"));
        let near = |pixel: &image::Rgb<u8>, color: [u8; 3]| {
            pixel.0.iter().zip(color).all(|(a, b)| a.abs_diff(b) < 12)
        };
        assert!(near(small.get_pixel(5, 10), [250, 10, 10]), "{format:?}");
        assert!(near(small.get_pixel(34, 10), [10, 10, 250]), "{format:?}");
    }
}

#[test]
fn transparency_and_depth_survive() {
    let clear = RgbaImage::from_pixel(90, 30, image::Rgba([1, 2, 3, 0]));
    let deep = image::ImageBuffer::from_pixel(90, 30, image::Rgb([40_000_u16, 1, 2]));
    for picture in [DynamicImage::from(clear), DynamicImage::ImageRgb16(deep)] {
        let mut out = Cursor::new(Vec::new());
        picture.write_to(&mut out, image::ImageFormat::Png).expect("encodes");
        let image = read_with(&side(30), &out.into_inner()).expect("scaled");
        let small = image::load_from_memory(&image.data).expect("decodes");
        assert_eq!((small.color(), small.width()), (picture.color(), 30));
    }
}

/// A JPEG whose note says that it lies on its side.
fn turned_jpeg() -> Vec<u8> {
    let data = picture(image::ImageFormat::Jpeg, 300, 100);
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0".to_vec();
    // Tag 0x0112, type SHORT, one value: 6, a quarter turn.
    exif.extend_from_slice(&[0x12, 0x01, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0]);
    let length = u16::try_from(exif.len() + 2).expect("short").to_be_bytes();
    let mut turned = data[..2].to_vec();
    turned.extend_from_slice(&[0xFF, 0xE1, length[0], length[1]]);
    turned.extend_from_slice(&exif);
    turned.extend_from_slice(&data[2..]);
    turned
}

#[test]
fn a_picture_on_its_side_is_turned_because_its_note_is_lost() {
    let image = read_with(&side(60), &turned_jpeg()).expect("scaled");
    assert_eq!((image.width, image.height), (20, 60));
    assert_eq!(pixels(&image).dimensions(), (20, 60));
    let kept = read_with(&side(300), &turned_jpeg()).expect("kept");
    assert_eq!((kept.width, kept.height, kept.data), (300, 100, turned_jpeg()));
}

#[test]
fn a_scaled_picture_that_is_still_too_large_is_refused() {
    // Noise in a palette: larger as PNG with all its colours than as GIF.
    let mut state = 7_u32;
    let noise = RgbImage::from_fn(200, 200, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        image::Rgb([(state >> 24) as u8; 3])
    });
    let mut out = Cursor::new(Vec::new());
    DynamicImage::from(noise).write_to(&mut out, image::ImageFormat::Gif).expect("encodes");
    let data = out.into_inner();
    let mut images = side(199);
    images.policy.max_bytes = data.len();
    let failure = read_with(&images, &data).expect_err("too large");
    assert_eq!((failure.class, failure.param.as_deref()), (FailureClass::TooLarge, Some("p")));
    assert!(failure.client.contains("scaled down"), "{}", failure.client);
}

#[test]
fn damage_is_found_before_scaling() {
    for (encoded, _) in FORMATS {
        let data = picture(encoded, 300, 200);
        let failure = read_with(&side(100), &data[..data.len() * 3 / 4]).expect_err("cut");
        assert_eq!(failure.class, FailureClass::Invalid, "{encoded:?}");
    }
}

#[test]
fn sizes_fit_whatever_they_were() {
    for (width, height) in [(1, u32::MAX), (u32::MAX, u32::MAX), (8001, 8000), (65_535, 3)] {
        let most = NonZeroU32::new(8000).expect("not zero");
        let (w, h) = scale::fit(width, height, most).expect("too long");
        assert!(w.max(h) == 8000 && w >= 1 && h >= 1, "{width} × {height}: {w} × {h}");
    }
    assert_eq!(scale::fit(8000, 8000, NonZeroU32::new(8000).expect("not zero")), None);
}
