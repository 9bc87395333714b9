//! What is wanted of a page's HTML: its charset and its title. Nothing here parses a whole page.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// Decodes a body to UTF-8.
///
/// The charset is the one that the `Content-Type` names, else the byte order mark's, else the one
/// that a `<meta>` in the first 1,024 bytes names, else UTF-8 where the body is valid UTF-8, else
/// windows-1252, as browsers have it. A NUL becomes U+FFFD, as in HTML, so that the text can pass
/// through C strings uncut.
pub(crate) fn decode(body: &[u8], content_type: Option<&str>) -> String {
    let named = content_type.and_then(charset_in).or_else(|| charset_of_meta(body));
    let encoding = named.unwrap_or_else(|| match std::str::from_utf8(body) {
        Ok(_) => UTF_8,
        Err(_) => WINDOWS_1252,
    });
    // `decode` looks for the byte order mark by itself and lets it win.
    let (text, _, _) = encoding.decode(body);
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text.into_owned() }
}

/// The encoding that `text/html; charset=...` names, if it names one that exists.
fn charset_in(content_type: &str) -> Option<&'static Encoding> {
    let at = find_ignoring_case(content_type, "charset=")?;
    let value = content_type[at + "charset=".len()..].trim_start_matches(['"', '\'', ' ']);
    let end = value.find(['"', '\'', ';', ' ', '>', '/']).unwrap_or(value.len());
    Encoding::for_label(&value.as_bytes()[..end])
}

fn charset_of_meta(body: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(&body[..body.len().min(1024)]);
    let mut rest: &str = &head;
    while let Some(at) = find_ignoring_case(rest, "<meta") {
        rest = &rest[at + "<meta".len()..];
        let tag = &rest[..rest.find('>').unwrap_or(rest.len())];
        if let Some(encoding) = charset_in(tag) {
            // A page that could be read up to here is not in UTF-16, whatever it says.
            let wide = encoding == encoding_rs::UTF_16LE || encoding == encoding_rs::UTF_16BE;
            return Some(if wide { UTF_8 } else { encoding });
        }
    }
    None
}

/// The text of the first `<title>`, entities decoded, white space collapsed; empty if there is none.
pub(crate) fn title(page: &str) -> String {
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
        } else if let Some(inside) = after_tag(rest, "<title") {
            let end = find_ignoring_case(inside, "</title").unwrap_or(inside.len());
            return collapsed(&unescape(&inside[..end]));
        } else {
            rest = &rest[1..];
        }
    }
    String::new()
}

/// What follows the tag that begins with `name`, if `text` begins with that tag.
fn after_tag<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let start = text.get(..name.len())?;
    let rest = &text[name.len()..];
    let whole = rest.starts_with(|c: char| c == '>' || c == '/' || c.is_ascii_whitespace());
    if !whole || !start.eq_ignore_ascii_case(name) {
        return None;
    }
    rest.find('>').map(|end| &rest[end + 1..])
}

fn find_ignoring_case(text: &str, needle: &str) -> Option<usize> {
    text.as_bytes().windows(needle.len()).position(|at| at.eq_ignore_ascii_case(needle.as_bytes()))
}

fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Replaces `&name;` and `&#number;`; what is no entity stays as it is.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        match rest.find(';').and_then(|end| Some((entity(&rest[1..end])?, end))) {
            Some((meant, end)) => {
                plain.push(meant);
                rest = &rest[end + 1..];
            }
            None => {
                plain.push('&');
                rest = &rest[1..];
            }
        }
    }
    plain + rest
}

/// The character that an entity stands for; `name` is what is between `&` and `;`.
fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        return numbered(number);
    }
    if let Some(at) = LATIN_1.split(' ').position(|entity| entity == name) {
        return char::from_u32(0xa0 + at as u32);
    }
    NAMED.iter().find(|(entity, _)| *entity == name).map(|(_, meant)| *meant)
}

fn numbered(number: &str) -> Option<char> {
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    // HTML reads the numbers of C1 controls as windows-1252, and has no NUL.
    let meant = match code {
        0 => None,
        0x80..=0x9f => WINDOWS_1252.decode_without_bom_handling(&[code as u8]).0.chars().next(),
        _ => char::from_u32(code),
    };
    Some(meant.unwrap_or('\u{fffd}'))
}

/// The names of U+00A0 to U+00FF, in order.
const LATIN_1: &str = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy \
    reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 \
    frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml \
    Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave \
    Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil \
    egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml \
    divide oslash ugrave uacute ucirc uuml yacute thorn yuml";

/// The other names that titles are written with.
const NAMED: &[(&str, char)] = &[
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("OElig", '\u{152}'),
    ("oelig", '\u{153}'),
    ("Scaron", '\u{160}'),
    ("scaron", '\u{161}'),
    ("Yuml", '\u{178}'),
    ("ensp", '\u{2002}'),
    ("emsp", '\u{2003}'),
    ("thinsp", '\u{2009}'),
    ("zwnj", '\u{200c}'),
    ("zwj", '\u{200d}'),
    ("ndash", '\u{2013}'),
    ("mdash", '\u{2014}'),
    ("lsquo", '\u{2018}'),
    ("rsquo", '\u{2019}'),
    ("sbquo", '\u{201a}'),
    ("ldquo", '\u{201c}'),
    ("rdquo", '\u{201d}'),
    ("bdquo", '\u{201e}'),
    ("dagger", '\u{2020}'),
    ("Dagger", '\u{2021}'),
    ("bull", '\u{2022}'),
    ("hellip", '\u{2026}'),
    ("permil", '\u{2030}'),
    ("prime", '\u{2032}'),
    ("lsaquo", '\u{2039}'),
    ("rsaquo", '\u{203a}'),
    ("euro", '\u{20ac}'),
    ("trade", '\u{2122}'),
    ("larr", '\u{2190}'),
    ("uarr", '\u{2191}'),
    ("rarr", '\u{2192}'),
    ("darr", '\u{2193}'),
    ("harr", '\u{2194}'),
    ("minus", '\u{2212}'),
    ("infin", '\u{221e}'),
    ("ne", '\u{2260}'),
    ("le", '\u{2264}'),
    ("ge", '\u{2265}'),
    ("starf", '\u{2605}'),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_found_and_made_readable() {
        for (page, wanted) in [
            ("<title>Plain</title>", "Plain"),
            ("<TITLE lang='en'>\n  two\n\tlines </TiTle>", "two lines"),
            ("<!-- <title>no</title> --><title>yes</title>", "yes"),
            ("<titles>no</titles><title>yes</title>", "yes"),
            (
                "<title>a &lt;b&gt; &amp;amp; &eacute;&yuml;&nbsp;&#8212;&#x2014;</title>",
                "a <b> &amp; \u{e9}\u{ff} \u{2014}\u{2014}",
            ),
            (
                "<title>AT&T &unknown; & ; &#xZZ; &#128; &#0;</title>",
                "AT&T &unknown; & ; &#xZZ; \u{20ac} \u{fffd}",
            ),
            ("<title>never ends", "never ends"),
            ("<title", ""),
            ("<!-- never ends <title>no</title>", ""),
            ("no title \u{20ac}<titl\u{e9}>", ""),
            ("", ""),
        ] {
            assert_eq!(title(page), wanted, "{page}");
        }
    }

    #[test]
    fn every_latin_1_name_stands_at_its_place() {
        assert_eq!(LATIN_1.split(' ').count(), 96);
        assert_eq!(entity("szlig"), Some('\u{df}'));
        assert_eq!(entity("times"), Some('\u{d7}'));
        assert_eq!(entity("divide"), Some('\u{f7}'));
    }

    #[test]
    fn the_charset_is_looked_for_where_browsers_look() {
        let e_acute = b"\xe9";
        assert_eq!(decode(e_acute, Some("text/html; Charset=\"ISO-8859-1\"")), "\u{e9}");
        assert_eq!(decode(e_acute, Some("text/html; charset=koi8-r; x=y")), "\u{418}");
        assert_eq!(decode(e_acute, Some("text/html; charset=nonsense")), "\u{e9}");
        assert_eq!(decode(b"<meta charset='koi8-r'>\xe9", None), "<meta charset='koi8-r'>\u{418}");
        let old = b"<META http-equiv=content-type content='text/html; charset=koi8-r'>\xe9";
        assert!(decode(old, None).ends_with('\u{418}'));
        assert_eq!(decode("\u{e9}".as_bytes(), None), "\u{e9}");
        assert_eq!(decode(b"\xff\xfeA\0", Some("text/html; charset=utf-8")), "A");
        assert_eq!(decode(b"a\0b", None), "a\u{fffd}b");
        let lie = b"<meta charset=utf-16>\xc3\xa9";
        assert!(decode(lie, None).ends_with('\u{e9}'));
    }
}
