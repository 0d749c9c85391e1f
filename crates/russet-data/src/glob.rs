//! Glob patterns as KEYS, SCAN, PSUBSCRIBE and CONFIG GET match them.
//!
//! | pattern | matches |
//! | --- | --- |
//! | `*` | any bytes, also none |
//! | `?` | one byte |
//! | `[abc]`, `[a-z]` | one byte of the class; a range may be given in either order |
//! | `[^a]` | one byte outside the class |
//! | `\x` | the byte `x` itself, inside a class too |
//!
//! A class that is not closed ends with the pattern. The bounds of a range compare as signed
//! bytes, as C's `char` does on the platforms Redis runs on, and with [`Case::Insensitive`] a
//! byte escaped inside a class is still compared exactly: both are Redis' behaviour, and so is
//! that `*` alone does not match the empty text.
//!
//! Matching goes back only to the last `*` seen: if the rest of the pattern fits nowhere after
//! it, then giving an earlier `*` more bytes cannot help. So the cost is at most the product of
//! the two lengths, whatever the pattern.

/// Whether letters match regardless of case (ASCII only).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// Bytes are compared as they are: key names and channels.
    Sensitive,
    /// `a` matches `A`: names of configuration directives and commands.
    Insensitive,
}

/// Stars that a pattern may hold before its last element; Redis gives up on more of them.
const MAX_STARS: usize = 1000;

/// Whether `pattern` matches the whole of `text`.
pub fn matches(pattern: &[u8], text: &[u8], case: Case) -> bool {
    if text.is_empty() {
        return pattern.is_empty();
    }
    let mut pattern_at = 0;
    let mut text_at = 0;
    let mut stars = 0;
    // Where to resume after a mismatch: behind the last star, and one byte further in the text.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let rest = &pattern[pattern_at..];
        if text_at == text.len() {
            // What is left of the pattern has to match nothing. If it cannot, a later start
            // would only run out of text sooner.
            return rest.iter().all(|&byte| byte == b'*');
        }
        if rest.first() == Some(&b'*') {
            let after_stars = rest.iter().take_while(|&&byte| byte == b'*').count();
            if after_stars == rest.len() {
                return true;
            }
            stars += 1;
            if stars > MAX_STARS {
                return false;
            }
            pattern_at += after_stars;
            retry = Some((pattern_at, text_at + 1));
            continue;
        }
        match match_one(rest, text[text_at], case) {
            Some(used) => {
                pattern_at += used;
                text_at += 1;
            }
            None => {
                let Some((pattern_retry, text_retry)) = retry else { return false };
                pattern_at = pattern_retry;
                text_at = text_retry;
                retry = Some((pattern_retry, text_retry + 1));
            }
        }
    }
}

/// Whether `pattern` has no special bytes, so that it can match only the text equal to it.
///
/// A walk over all keys can then be replaced by one lookup.
pub fn is_literal(pattern: &[u8]) -> bool {
    !pattern.iter().any(|byte| matches!(byte, b'*' | b'?' | b'[' | b'\\'))
}

/// Matches one byte against the first element of `pattern`, which is not a star. Gives the
/// element's length, or `None` if there is no element or it does not match.
#[inline]
fn match_one(pattern: &[u8], byte: u8, case: Case) -> Option<usize> {
    match pattern {
        [] => None,
        [b'?', ..] => Some(1),
        [b'[', class @ ..] => match_class(class, byte, case).map(|used| used + 1),
        [b'\\', escaped, ..] => equal(*escaped, byte, case).then_some(2),
        [literal, ..] => equal(*literal, byte, case).then_some(1),
    }
}

/// Matches one byte against a class, given from behind its `[`. Gives the class' length with
/// its `]`, or `None` if the byte is not in it.
fn match_class(class: &[u8], byte: u8, case: Case) -> Option<usize> {
    let negated = class.first() == Some(&b'^');
    let mut at = usize::from(negated);
    let mut found = false;
    loop {
        match class[at..] {
            [] => break,
            [b'\\', escaped, ..] => {
                found |= escaped == byte;
                at += 2;
            }
            [b']', ..] => {
                at += 1;
                break;
            }
            [first, b'-', last, ..] => {
                found |= in_range(first, last, byte, case);
                at += 3;
            }
            [literal, ..] => {
                found |= equal(literal, byte, case);
                at += 1;
            }
        }
    }
    (found != negated).then_some(at)
}

/// Whether `byte` lies between two bounds given in any order. The bounds are put in order
/// before their case is folded, as Redis does.
fn in_range(first: u8, last: u8, byte: u8, case: Case) -> bool {
    let signed = |byte: u8| match case {
        Case::Sensitive => byte as i8,
        Case::Insensitive => byte.to_ascii_lowercase() as i8,
    };
    let (low, high) = if first as i8 <= last as i8 { (first, last) } else { (last, first) };
    (signed(low)..=signed(high)).contains(&signed(byte))
}

#[inline]
fn equal(one: u8, other: u8, case: Case) -> bool {
    match case {
        Case::Sensitive => one == other,
        Case::Insensitive => one.eq_ignore_ascii_case(&other),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sensitive(pattern: &str, text: &str) -> bool {
        matches(pattern.as_bytes(), text.as_bytes(), Case::Sensitive)
    }

    #[test]
    fn elements_match_as_documented() {
        for (pattern, text) in [
            ("", ""),
            ("*", "anything"),
            ("***", "anything"),
            ("h?llo", "hallo"),
            ("h*llo", "hllo"),
            ("h*llo", "heeeello"),
            ("h[ae]llo", "hello"),
            ("h[^e]llo", "hallo"),
            ("h[a-b]llo", "hbllo"),
            ("h[b-a]llo", "hallo"),
            ("a\\*b", "a*b"),
            ("a\\", "a\\"),
            ("[\\]]", "]"),
            ("[a\\-z]", "-"),
            ("[a-", "-"),
            ("[abc", "c"),
            ("[^", "x"),
            ("*a*b*", "xxaxxbxx"),
            ("ab*", "ab"),
            ("*:*:end", "a:b:c:end"),
        ] {
            assert!(sensitive(pattern, text), "{pattern:?} {text:?}");
        }
        for (pattern, text) in [
            ("", "a"),
            ("a", ""),
            ("*", ""),
            ("**", ""),
            ("h?llo", "hllo"),
            ("h[^e]llo", "hello"),
            ("h[a-b]llo", "hcllo"),
            ("a\\*b", "axb"),
            ("[", "["),
            ("[]", "]"),
            ("abc", "abcd"),
            ("abcd", "abc"),
            ("*a*b", "xxbxxa"),
            ("[a-]", "-"),
        ] {
            assert!(!sensitive(pattern, text), "{pattern:?} {text:?}");
        }
    }

    #[test]
    fn case_is_folded_outside_escapes() {
        let insensitive = |pattern: &str, text: &str| {
            matches(pattern.as_bytes(), text.as_bytes(), Case::Insensitive)
        };
        assert!(insensitive("HELLO", "hello"));
        assert!(insensitive("[a-z]", "Q"));
        assert!(insensitive("[XYZ]", "y"));
        assert!(insensitive("\\A", "a"));
        assert!(!insensitive("[\\A]", "a"));
        assert!(!sensitive("HELLO", "hello"));
    }

    #[test]
    fn ranges_compare_as_signed_bytes() {
        assert!(matches(b"[\x80-\xff]", b"\x90", Case::Sensitive));
        assert!(matches(b"[a-\xff]", b"\x00", Case::Sensitive));
        assert!(!matches(b"[a-\xfe]", b"z", Case::Sensitive));
    }

    #[test]
    fn many_stars_neither_blow_up_nor_pass_the_limit() {
        let text = "a".repeat(20_000);
        assert!(!sensitive(&("a*".repeat(500) + "b"), &text));
        assert!(sensitive(&("a*".repeat(MAX_STARS) + "a"), &text));
        assert!(!sensitive(&("a*".repeat(MAX_STARS + 1) + "a"), &text));
        assert!(sensitive(&"a*".repeat(MAX_STARS + 1), &text));
    }

    #[test]
    fn literal_patterns_are_told_from_others() {
        assert!(is_literal(b"user:1000"));
        assert!(is_literal(b""));
        for pattern in ["*", "a?", "[a]", "a\\b"] {
            assert!(!is_literal(pattern.as_bytes()));
        }
    }

    /// The definition, tried in every way: exponential, so for short texts only.
    fn naive(pattern: &[u8], text: &[u8], case: Case) -> bool {
        match (pattern, text) {
            ([], _) => text.is_empty(),
            ([b'*', rest @ ..], _) => (0..=text.len()).any(|skip| naive(rest, &text[skip..], case)),
            (_, [byte, rest @ ..]) => match_one(pattern, *byte, case)
                .is_some_and(|used| naive(&pattern[used..], rest, case)),
            (_, []) => false,
        }
    }

    proptest! {
        #[test]
        fn matching_agrees_with_trying_everything(
            pattern in r"[ab*?\[\]^\\-]{0,9}",
            text in r"[abA*\[\]^\\-]{1,9}",
            insensitive: bool,
        ) {
            let case = if insensitive { Case::Insensitive } else { Case::Sensitive };
            let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
            prop_assert_eq!(matches(pattern, text, case), naive(pattern, text, case));
        }

        #[test]
        fn a_literal_pattern_matches_only_itself(pattern in "[ab]{1,4}", text in "[ab]{1,4}") {
            prop_assert!(is_literal(pattern.as_bytes()));
            prop_assert_eq!(
                matches(pattern.as_bytes(), text.as_bytes(), Case::Sensitive),
                pattern == text
            );
        }
    }
}
