//! The caller's trace (W3C Trace Context), where it is being recorded.

use axum::http::HeaderMap;

const SAMPLED: u8 = 0x01;

/// The length of a context as version 00 has it, in bytes.
const LENGTH: usize = 55;

/// The `traceparent` header if it is valid and its trace is sampled; anything else is as good as none, as the
/// recommendation asks. What a later version adds is left off: we would pass on what we do not understand.
pub(crate) fn sampled(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all("traceparent").iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_none() && is_sampled(value) {
        value.get(..LENGTH)
    } else {
        None
    }
}

fn is_sampled(value: &str) -> bool {
    let mut parts = value.split('-');
    let (Some(version), Some(trace), Some(parent), Some(flags)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    // Version 00 has exactly four parts; a later one may add some, ff is forbidden.
    let version_fits = is_hex(version, 2) && version != "ff" && (version != "00" || parts.next().is_none());
    let ids_fit = [(trace, 32), (parent, 16)]
        .into_iter()
        .all(|(id, length)| is_hex(id, length) && id.bytes().any(|digit| digit != b'0'));
    let sampled = u8::from_str_radix(flags, 16).is_ok_and(|bits| bits & SAMPLED != 0);
    version_fits && ids_fit && is_hex(flags, 2) && sampled
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_a_valid_and_sampled_context_counts() {
        for (value, wanted) in [
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true),
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03", true),
            (
                "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later",
                true,
            ),
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", false),
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-02", false),
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1", false),
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x", false),
            ("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
            ("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", false),
            ("00-00000000000000000000000000000000-b7ad6b7169203331-01", false),
            ("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false),
            ("00-0af7651916cd43dd8448eb211c80319c-01", false),
            ("00-0af7-b7ad6b7169203331-01", false),
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-+1", false),
            ("", false),
        ] {
            assert_eq!(is_sampled(value), wanted, "{value}");
        }
    }

    #[test]
    fn of_a_later_version_only_what_we_understand_is_kept() {
        let known = "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let of = |value: String| {
            let headers = HeaderMap::from_iter([("traceparent".parse().unwrap(), value.parse().unwrap())]);
            sampled(&headers).map(str::to_owned)
        };
        assert_eq!(of(known.to_owned()).as_deref(), Some(known));
        for more in ["-", "-later", &format!("-{}", "x".repeat(15_000))] {
            assert_eq!(of(format!("{known}{more}")).as_deref(), Some(known));
        }
        for glued in ["0", ".later", "\u{e9}"] {
            assert_eq!(of(format!("{known}{glued}")), None, "{glued}");
        }
    }

    #[test]
    fn two_contexts_are_none() {
        let value = HeaderValue::from_static("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        let mut headers = HeaderMap::new();
        headers.append("traceparent", value.clone());
        assert_eq!(sampled(&headers), Some(value.to_str().unwrap()));
        headers.append("traceparent", value.clone());
        assert_eq!(sampled(&headers), None);
    }
}
