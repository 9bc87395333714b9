//! The header as words and signs, with the comments that document what follows them.

/// One word or sign.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name, a keyword or a number.
    Word(String),
    /// Anything else that is not space: one character.
    Sign(char),
    /// The text of a comment, without its stars: the last before a declaration documents it.
    Doc(String),
    /// The same on the line of the declaration that it documents, behind it.
    Remark(String),
    /// `#define NAME VALUE`; a macro without a value, or with arguments, is not one of these.
    Define(String, String),
}

/// Cuts a header into tokens. What stands under `#ifdef __cplusplus` is for another language.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = strip_cpp(text);
    let mut line_begins = true;
    while let Some(first) = rest.chars().next() {
        let was_begin = line_begins;
        line_begins = if first.is_whitespace() { was_begin || first == '\n' } else { false };
        let length = if first.is_whitespace() {
            first.len_utf8()
        } else if rest.starts_with("/*") {
            let end = rest.find("*/").map_or(rest.len(), |at| at + 2);
            let text = doc_text(&rest[2..end.saturating_sub(2)]);
            tokens.push(if was_begin { Token::Doc(text) } else { Token::Remark(text) });
            end
        } else if rest.starts_with("//") {
            let end = rest.find('\n').unwrap_or(rest.len());
            if rest.starts_with("///") {
                line_doc(&mut tokens, &rest[3..end]);
            }
            end
        } else if first == '#' {
            directive(&mut tokens, &rest)
        } else if first.is_alphanumeric() || first == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..end].to_owned()));
            end
        } else {
            tokens.push(Token::Sign(first));
            first.len_utf8()
        };
        rest.drain(..length);
    }
    tokens
}

fn directive(tokens: &mut Vec<Token>, rest: &str) -> usize {
    let end = rest.find('\n').unwrap_or(rest.len());
    let mut words = rest[1..end].split_whitespace();
    let (directive, name) = (words.next(), words.next());
    let value = words.collect::<Vec<_>>().join(" ");
    if let (Some("define"), Some(name), false) = (directive, name, value.is_empty()) {
        if !name.contains('(') {
            tokens.push(Token::Define(name.to_owned(), value));
        }
    }
    end
}

/// Lines of `///` in a row make one text.
fn line_doc(tokens: &mut Vec<Token>, line: &str) {
    let line = line.trim();
    match tokens.last_mut() {
        Some(Token::Doc(text)) => *text = format!("{text}\n{line}"),
        _ => tokens.push(Token::Doc(line.to_owned())),
    }
}

fn doc_text(comment: &str) -> String {
    let lines = comment.lines().map(|line| line.trim().trim_start_matches('*').trim());
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

fn strip_cpp(text: &str) -> String {
    let mut depth = 0;
    let mut kept = String::new();
    for line in text.lines() {
        let words: String = line.split_whitespace().collect();
        let opens = words.starts_with("#if");
        if depth > 0 {
            depth += usize::from(opens);
            depth -= usize::from(words.starts_with("#endif"));
            if depth == 1 && words.starts_with("#else") {
                depth = 0;
            }
        } else if opens && words.contains("__cplusplus") && !words.starts_with("#ifndef") {
            depth = 1;
        } else {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_become_documentation_and_the_other_language_is_left_out() {
        let text = "#ifdef __cplusplus\nextern \"C\" {\n#endif\n/** One.\n * Two. */\n#define A (1 << 2)\n\
                    // no\n/// x\n/// y\nint f(void); /* z */\n#define G\n";
        let words =
            |list: &[&str]| list.iter().map(|w| Token::Word((*w).into())).collect::<Vec<_>>();
        let [int_f, void] = [words(&["int", "f"]), words(&["void"])];
        let mut expected = vec![
            Token::Doc("One.\nTwo.".into()),
            Token::Define("A".into(), "(1 << 2)".into()),
            Token::Doc("x\ny".into()),
        ];
        expected.extend(int_f);
        expected.push(Token::Sign('('));
        expected.extend(void);
        expected.extend([Token::Sign(')'), Token::Sign(';'), Token::Remark("z".into())]);
        assert_eq!(tokens(text), expected);
    }
}
