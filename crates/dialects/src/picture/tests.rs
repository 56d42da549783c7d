//! Pictures made on the spot, then mislabelled, cut, swollen and animated.

use base64::engine::general_purpose;
use image::codecs::gif::GifEncoder;
use image::{DynamicImage, Frame, RgbImage, RgbaImage};

use super::*;

mod scaled;

fn picture(format: image::ImageFormat, width: u32, height: u32) -> Vec<u8> {
    let pixels = RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([(x * 7 % 256) as u8, (y * 13 % 256) as u8, (x * y % 256) as u8])
    });
    let mut out = Cursor::new(Vec::new());
    DynamicImage::from(pixels).write_to(&mut out, format).expect("encodes");
    out.into_inner()
}

fn gif(frames: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = GifEncoder::new(&mut out);
    for shade in 0..frames {
        let pixels = RgbaImage::from_pixel(9, 7, image::Rgba([shade as u8 * 40, 0, 0, 255]));
        encoder.encode_frame(Frame::new(pixels)).expect("encodes");
    }
    drop(encoder);
    out
}

fn uri(label: &str, data: &[u8]) -> String {
    format!("data:{label};base64,{}", general_purpose::STANDARD.encode(data))
}

fn read(url: &str) -> Result<Image, Failure> {
    let read = Pictures::new(&Images::default()).read(url, "p")?;
    Ok(read.expect("no data URI has to be fetched"))
}

#[track_caller]
fn check_refused(url: &str, class: FailureClass, message: &str) {
    let failure = read(url).expect_err("refused");
    assert_eq!((failure.class, failure.param.as_deref()), (class, Some("p")));
    assert!(failure.client.contains(message), "{}", failure.client);
}

const FORMATS: [(image::ImageFormat, ImageFormat); 4] = [
    (image::ImageFormat::Png, ImageFormat::Png),
    (image::ImageFormat::Jpeg, ImageFormat::Jpeg),
    (image::ImageFormat::WebP, ImageFormat::WebP),
    (image::ImageFormat::Gif, ImageFormat::Gif),
];

#[test]
fn every_format_is_recognised_by_its_bytes_whatever_the_label() {
    for (encoded, expected) in FORMATS {
        let data = picture(encoded, 33, 21);
        for label in ["image/png", "IMAGE/JPEG", "image/bmp", "application/octet-stream", ""] {
            let image = read(&uri(label, &data)).expect("a picture");
            assert_eq!((image.format, image.width, image.height), (expected, 33, 21), "{label}");
            assert_eq!(image.data, data, "the bytes are kept");
        }
    }
}

#[test]
fn base64_may_be_written_in_any_common_way() {
    let data = picture(image::ImageFormat::Png, 40, 40);
    let standard = general_purpose::STANDARD.encode(&data);
    let wrapped: Vec<&str> = standard
        .as_bytes()
        .chunks(76)
        .map(|line| std::str::from_utf8(line).expect("ASCII"))
        .collect();
    for url in [
        format!("data:image/png;base64,{standard}"),
        format!("DATA:Image/PNG;Base64,{standard}"),
        format!(" data:image/png; charset=utf-8 ;base64,{standard}\n"),
        format!("data:image/png;base64,{}", general_purpose::STANDARD_NO_PAD.encode(&data)),
        format!("data:image/png;base64,{}", general_purpose::URL_SAFE.encode(&data)),
        format!("data:image/png;base64,{}", general_purpose::URL_SAFE_NO_PAD.encode(&data)),
        format!("data:image/png;base64,{}", wrapped.join("\r\n")),
    ] {
        assert_eq!(read(&url).expect("a picture").data, data, "{}", &url[..40]);
    }
}

#[test]
fn what_is_not_a_data_uri_is_refused_with_a_reason() {
    let invalid = FailureClass::Invalid;
    check_refused("https://example.com/a.png", invalid, "only data URIs");
    check_refused("", invalid, "only data URIs");
    check_refused("data:image/png,abc", invalid, "base64-encoded data URI");
    check_refused("data:image/png;base64", invalid, "base64-encoded data URI");
    check_refused("data:image/png;base64,", invalid, "valid base64");
    check_refused("data:image/png;base64,a", invalid, "valid base64");
    check_refused("data:image/png;base64,ab*d", invalid, "valid base64");
    check_refused("daté:image/png;base64,abcd", invalid, "only data URIs");
}

#[test]
fn other_data_is_refused_even_when_labelled_a_picture() {
    for data in [&b"%PDF-1.7 hello"[..], b"BM\0\0\0\0", b"hello there, world", b"<svg></svg>"] {
        check_refused(&uri("image/png", data), FailureClass::Invalid, "unsupported image");
    }
}

#[test]
fn a_cut_picture_is_refused_at_every_length() {
    for (encoded, _) in FORMATS {
        let data = picture(encoded, 33, 21);
        for length in [20, 40, data.len() / 2, data.len() * 3 / 4, data.len() - 20] {
            let failure = read(&uri("image/png", &data[..length])).expect_err("cut");
            assert_eq!(failure.class, FailureClass::Invalid, "{encoded:?} {length}");
        }
    }
}

#[test]
fn damage_inside_the_data_is_found_where_the_format_has_a_checksum() {
    let mut data = picture(image::ImageFormat::Png, 33, 21);
    let middle = data.len() / 2;
    data[middle] ^= 0x55;
    check_refused(&uri("image/png", &data), FailureClass::Invalid, "damaged");
}

#[test]
fn a_gif_with_one_frame_is_still_and_one_with_more_is_not() {
    assert!(!gif_is_animated(&gif(1)));
    assert!(read(&uri("image/gif", &gif(1))).is_ok());
    for frames in [2, 5] {
        assert!(gif_is_animated(&gif(frames)));
        check_refused(&uri("image/gif", &gif(frames)), FailureClass::Invalid, "Animated");
    }
    check_refused(&uri("image/png", &gif(2)), FailureClass::Invalid, "Animated");
}

#[test]
fn the_walk_over_blocks_survives_any_cut() {
    let (animated, jpeg) = (gif(3), picture(image::ImageFormat::Jpeg, 33, 21));
    for length in 0..animated.len() {
        gif_is_animated(&animated[..length]);
    }
    for length in 0..jpeg.len() {
        assert!(!jpeg_has_end(&jpeg[..length]), "{length}");
    }
    assert!(jpeg_has_end(&jpeg));
}

#[test]
fn size_in_bytes_is_checked_before_decoding() {
    let policy = Images::from(ImagePolicy { max_bytes: 100, ..ImagePolicy::default() });
    let mut pictures = Pictures::new(&policy);
    // Not base64 at all: were it decoded first, the answer would be another one.
    let url = format!("data:image/png;base64,{}", "*".repeat(137));
    let failure = pictures.read(&url, "p").expect_err("too large");
    assert_eq!((failure.class, failure.param.as_deref()), (FailureClass::TooLarge, Some("p")));

    let uri_of = |size: usize| uri("text/plain", &vec![b'x'; size]);
    for (size, fits) in [(99, true), (100, true), (101, false), (102, false)] {
        let url = uri_of(size);
        let decoded = DataUri::parse(&url).expect("a data URI").decode(100, "p");
        assert_eq!(decoded.is_ok(), fits, "{size}");
    }
}

#[test]
fn size_in_pixels_is_checked_before_decoding() {
    let policy = Images::from(ImagePolicy { max_pixels: 99, ..ImagePolicy::default() });
    let url = uri("image/png", &picture(image::ImageFormat::Png, 10, 10));
    let failure = Pictures::new(&policy).read(&url, "p").expect_err("too large");
    assert!(failure.client.contains("10 × 10"), "{}", failure.client);
    // A header that promises far more than follows.
    let mut bomb = picture(image::ImageFormat::Gif, 10, 10);
    bomb[6..10].copy_from_slice(&[0xFF; 4]);
    check_refused(&uri("image/gif", &bomb), FailureClass::Invalid, "65535 × 65535");
}

#[test]
fn number_and_sum_of_images_are_bounded() {
    let url = uri("image/png", &picture(image::ImageFormat::Png, 10, 10));
    let policy = Images::from(ImagePolicy { max_count: 2, ..ImagePolicy::default() });
    let mut pictures = Pictures::new(&policy);
    assert!(pictures.read(&url, "p").is_ok() && pictures.read(&url, "p").is_ok());
    assert!(pictures.read(&url, "p").expect_err("third").client.contains("at most 2"));

    let policy = Images::from(ImagePolicy { max_pixels: 100, ..ImagePolicy::default() });
    let mut pictures = Pictures::new(&policy);
    for _ in 0..8 {
        pictures.read(&url, "p").expect("within the sum");
    }
    assert!(pictures.read(&url, "p").expect_err("ninth").client.contains("together"));
}
