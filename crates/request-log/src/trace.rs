//! The trace that a client's request belongs to, as its `traceparent` header tells it.

/// The client's own trace, from its `traceparent` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    pub trace_id: [u8; 16],
    pub span_id: [u8; 8],
    /// Whether the client keeps this trace.
    pub sampled: bool,
}

/// `00-<32>-<16>-<2>`.
const LENGTH: usize = 55;

impl TraceContext {
    /// The header's value, by the rules of W3C Trace Context: lower-case hexadecimal, no id of
    /// zeroes, and of later versions only the parts that this one has. `None` means that there is
    /// no trace to go on with.
    #[must_use]
    pub fn parse(traceparent: &str) -> Option<Self> {
        let (known, rest) = traceparent.as_bytes().split_at_checked(LENGTH)?;
        if [2, 35, 52].into_iter().any(|dash| known[dash] != b'-') {
            return None;
        }
        let [version] = hexadecimal(&known[..2])?;
        let is_whole = match version {
            0 => rest.is_empty(),
            255 => false,
            1..=254 => matches!(rest, [] | [b'-', ..]),
        };
        let trace_id = hexadecimal(&known[3..35])?;
        let span_id = hexadecimal(&known[36..52])?;
        let [flags] = hexadecimal(&known[53..])?;
        (is_whole && trace_id != [0; 16] && span_id != [0; 8]).then_some(Self {
            trace_id,
            span_id,
            sampled: flags & 1 == 1,
        })
    }
}

fn hexadecimal<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    if digits.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_header_is_read_whole() {
        let read = TraceContext::parse(GOOD).expect("a trace");
        assert_eq!(read.trace_id[..3], [0x0a, 0xf7, 0x65]);
        assert_eq!(read.span_id, [0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31]);
        assert!(read.sampled);
    }

    #[test]
    fn only_the_lowest_flag_says_that_the_trace_is_kept() {
        for (flags, sampled) in [("00", false), ("01", true), ("02", false), ("03", true)] {
            let header = format!("{}{flags}", &GOOD[..53]);
            assert_eq!(TraceContext::parse(&header).map(|read| read.sampled), Some(sampled));
        }
    }

    #[test]
    fn later_versions_may_say_more() {
        let later = format!("cc{}", &GOOD[2..]);
        assert!(TraceContext::parse(&later).is_some());
        assert!(TraceContext::parse(&format!("{later}-what-comes")).is_some());
        assert_eq!(TraceContext::parse(&format!("{later}.what-comes")), None);
        assert_eq!(TraceContext::parse(&format!("ff{}", &GOOD[2..])), None);
    }

    #[test]
    fn what_is_not_exact_is_no_trace() {
        let zero_trace = format!("00-{}-b7ad6b7169203331-01", "0".repeat(32));
        let zero_span = format!("00-0af7651916cd43dd8448eb211c80319c-{}-01", "0".repeat(16));
        for wrong in [
            "",
            "00",
            &GOOD[..54],
            &format!("{GOOD}-"),
            &format!("{GOOD}-01"),
            &format!(" {GOOD}"),
            &format!("{GOOD} "),
            &GOOD.to_uppercase(),
            &GOOD.replace('-', "_"),
            &GOOD.replace("b7", "g7"),
            &GOOD.replace("b7", "+7"),
            &GOOD.replace("0af7", "éf7"),
            &zero_trace,
            &zero_span,
        ] {
            assert_eq!(TraceContext::parse(wrong), None, "{wrong:?}");
        }
    }
}
