//! The little that is read from pictures by hand, because the decoders do not tell it cheaply:
//! whether a GIF has more than one frame, and whether a JPEG was cut off. Works on any bytes.

/// Whether there is a second frame. Walks the blocks and decodes none of them.
pub(crate) fn gif_is_animated(data: &[u8]) -> bool {
    count_gif_frames(data, 2).unwrap_or(0) > 1
}

/// Frames, up to `most`. `None` where the file is cut off before its trailer.
fn count_gif_frames(data: &[u8], most: usize) -> Option<usize> {
    const HEADER: usize = 13;
    let mut at = HEADER + color_table(*data.get(10)?);
    let mut frames = 0;
    while frames < most {
        match data.get(at)? {
            // An extension: introducer, label, data.
            0x21 => at = skip_sub_blocks(data, at + 2)?,
            // A frame: descriptor of ten bytes, perhaps colours, code size, data.
            0x2C => {
                frames += 1;
                let colors = color_table(*data.get(at + 9)?);
                match skip_sub_blocks(data, at + 10 + colors + 1) {
                    Some(next) => at = next,
                    None => return Some(frames),
                }
            }
            // The trailer, or nothing that a decoder would follow.
            _ => break,
        }
    }
    Some(frames)
}

/// Bytes of the colour table that a packed field announces.
fn color_table(packed: u8) -> usize {
    if packed & 0x80 == 0 { 0 } else { 3 << ((packed & 7) + 1) }
}

fn skip_sub_blocks(data: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = usize::from(*data.get(at)?);
        at += 1 + length;
        if length == 0 {
            return Some(at);
        }
    }
}

/// Whether the picture's data is followed by an end marker. Inside the data every `FF` is
/// followed by something else, so the marker cannot be part of it; a preview picture in the
/// header is skipped with its segment.
pub(crate) fn jpeg_has_end(data: &[u8]) -> bool {
    jpeg_scan(data).is_some_and(|scan| scan.windows(2).any(|pair| pair == [0xFF, 0xD9]))
}

/// What follows the header segments.
fn jpeg_scan(data: &[u8]) -> Option<&[u8]> {
    const START_OF_SCAN: u8 = 0xDA;
    let mut at = 2;
    loop {
        while data.get(at..at + 2)? == [0xFF, 0xFF] {
            at += 1;
        }
        let [0xFF, marker, high, low] = *data.get(at..at + 4)? else { return None };
        at += 2 + usize::from(u16::from_be_bytes([high, low]));
        if marker == START_OF_SCAN {
            return data.get(at..);
        }
    }
}
