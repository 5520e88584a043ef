//! Takes Rust source apart into code, comments and string literals, so that a check never mistakes a word
//! in one for a word in another.

/// What a piece of source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Code,
    Comment,
    /// The inside of a string literal, its escapes as written.
    Literal,
}

/// A stretch of source of one kind.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
    /// Line of its first character, counted from 1.
    line: usize,
}

impl Piece<'_> {
    /// The lines on which `word` stands, not as part of a longer identifier.
    pub(crate) fn lines_with<'b>(&'b self, word: &'b str) -> impl Iterator<Item = usize> + 'b {
        let found = self.text.match_indices(word);
        found.filter(move |(at, _)| stands_alone(self.text, *at, word)).map(|(at, _)| self.line_at(at))
    }

    /// Line of the character at `offset` of the text.
    pub(crate) fn line_at(&self, offset: usize) -> usize {
        self.line + newlines(&self.text[..offset])
    }
}

fn stands_alone(text: &str, at: usize, word: &str) -> bool {
    let joins = |c: char| c.is_alphanumeric() || c == '_';
    let before = text[..at].chars().next_back().is_some_and(joins);
    let ends_open = word.chars().next_back().is_some_and(joins);
    let after = ends_open && text[at + word.len()..].chars().next().is_some_and(joins);
    !before && !after
}

fn newlines(text: &str) -> usize {
    text.matches('\n').count()
}

/// All pieces of `source`, in order; the quotes of literals are left out.
pub(crate) fn pieces(source: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut at, mut code_from) = (0, 0);
    let mut push = |kind, from: usize, to: usize| {
        if from < to {
            pieces.push(Piece { kind, text: &source[from..to], line: 1 + newlines(&source[..from]) });
        }
    };
    while let Some(next) = source[at..].chars().next() {
        let rest = &source[at..];
        if let Some(length) = comment(rest) {
            push(Kind::Code, code_from, at);
            push(Kind::Comment, at, at + length);
            (at, code_from) = (at + length, at + length);
        } else if let Some(literal) = literal(rest) {
            push(Kind::Code, code_from, at + literal.opening);
            push(Kind::Literal, at + literal.opening, at + literal.opening + literal.inside);
            code_from = at + literal.opening + literal.inside;
            at += literal.whole;
        } else {
            at += character(rest).unwrap_or(next.len_utf8());
        }
    }
    push(Kind::Code, code_from, source.len());
    pieces
}

/// Length of the comment that `rest` begins with.
fn comment(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if !rest.starts_with("/*") {
        return None;
    }
    let (mut depth, mut at) = (1, 2);
    while depth > 0 {
        let tail = &rest[at..];
        let mark = tail.find("*/").min(tail.find("/*").or(Some(usize::MAX)));
        let Some(mark) = mark else { return Some(rest.len()) };
        if tail[mark..].starts_with("/*") {
            depth += 1
        } else {
            depth -= 1
        }
        at += mark + 2;
    }
    Some(at)
}

/// Lengths, in bytes, of a string literal's parts.
struct Literal {
    opening: usize,
    inside: usize,
    whole: usize,
}

/// The string literal (plain, byte or C string, raw or not) that `rest` begins with.
fn literal(rest: &str) -> Option<Literal> {
    let unprefixed = rest.strip_prefix(['b', 'c']).unwrap_or(rest);
    let (raw, hashed) = match unprefixed.strip_prefix('r') {
        Some(tail) => (true, tail),
        None => (false, unprefixed),
    };
    let body = if raw { hashed.trim_start_matches('#') } else { hashed };
    let inside = body.strip_prefix('"')?;
    let hashes = hashed.len() - body.len();
    let opening = rest.len() - inside.len();
    let end = if raw { inside.find(&format!("\"{}", "#".repeat(hashes))) } else { end_of_plain(inside) };
    let length = end.unwrap_or(inside.len());
    let whole = (opening + length + 1 + hashes).min(rest.len());
    Some(Literal { opening, inside: length, whole })
}

/// Where the first quote stands that no backslash escapes.
fn end_of_plain(inside: &str) -> Option<usize> {
    let mut escaped = false;
    inside.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })
}

/// Length of the character literal that `rest` begins with; a lifetime is none.
fn character(rest: &str) -> Option<usize> {
    let inside = rest.strip_prefix('\'')?;
    let first = inside.chars().next()?;
    // The escaped character itself may be a quote, so the closing one is looked for behind it.
    let skip = if first == '\\' { 2 } else { first.len_utf8() };
    let tail = inside.get(skip..)?;
    let close = if first == '\\' { tail.find('\'')? } else { tail.starts_with('\'').then_some(0)? };
    Some(1 + skip + close + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_kind(source: &str, kind: Kind) -> Vec<&str> {
        pieces(source).into_iter().filter(|piece| piece.kind == kind).map(|piece| piece.text).collect()
    }

    #[test]
    fn tells_strings_from_comments_and_code() {
        let source =
            "let a = \"one // \\\" two\"; // three \"four\"\n/* five /* six */ seven */ let b = 'x';";
        assert_eq!(of_kind(source, Kind::Literal), ["one // \\\" two"]);
        assert_eq!(of_kind(source, Kind::Comment), ["// three \"four\"", "/* five /* six */ seven */"]);
        assert!(of_kind(source, Kind::Code).concat().contains("let b = 'x';"));
    }

    #[test]
    fn reads_every_form_of_string() {
        let source = r###"f(b"bytes", c"c", r"raw\", r#"a "quoted" b"#, br##"x"#y"##, "", "end\\")"###;
        let expected = ["bytes", "c", "raw\\", "a \"quoted\" b", "x\"#y", "end\\\\"];
        assert_eq!(of_kind(source, Kind::Literal), expected);
    }

    #[test]
    fn quotes_in_character_literals_open_no_string() {
        let source = r#"match c { '"' | '\'' | '\u{22}' | b'"' => r#type::<'a>("in", 'ü'), _ => 'é' }"#;
        assert_eq!(of_kind(source, Kind::Literal), ["in"]);
    }

    #[test]
    fn an_unfinished_source_ends_without_a_fault() {
        for source in ["\"open", "/* open", "r#\"open\"", "'", "'\\", "b\"", "// end"] {
            assert!(pieces(source).len() <= 2, "{source}");
        }
    }

    #[test]
    fn whole_words_are_found_on_their_lines() {
        let source = "asleep();\nsleep(1);\nlet sleeper = sleep;";
        let found = pieces(source);
        assert_eq!(found[0].lines_with("sleep").collect::<Vec<_>>(), [2, 3]);
    }
}
