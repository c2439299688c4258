//! Text that stays text. GitHub makes more of text than CommonMark does: addresses become links,
//! `@name` calls people, `#1` and hashes point to issues and commits, `:name:` is a picture and `$`
//! starts a formula, and the most of it also where the characters are written as entities. What is
//! code is left alone, so whatever could be more than a word is shown as code.

use crate::secret::printable;

/// Text as code, which nothing in it can end, also in a cell of a table.
pub fn code(text: &str) -> String {
    let mut code = String::new();
    for piece in printable(text).split_inclusive(['`', '|']) {
        let (piece, end) = match piece.strip_suffix('`') {
            Some(piece) => (piece, "&#96;"),
            None => match piece.strip_suffix('|') {
                Some(piece) => (piece, "&#124;"),
                None => (piece, ""),
            },
        };
        if !piece.is_empty() {
            // One space on each side is taken off where there is one on both.
            let is_padded = piece.starts_with(' ') && piece.ends_with(' ') && !piece.trim().is_empty();
            let pad = if is_padded { " " } else { "" };
            code.extend(["`", pad, piece, pad, "`"]);
        }
        code.push_str(end);
    }
    code
}

/// A sentence, of which the words that could be more than words are code, as is what it has between
/// backticks. Not for the start of a line, where a `-` or `1.` would start a list.
pub fn prose(text: &str) -> String {
    let text = printable(text);
    let segments: Vec<&str> = text.split('`').collect();
    let mut pieces = Pieces::default();
    for (index, segment) in segments.iter().enumerate() {
        let is_last = index + 1 == segments.len();
        match (index % 2 == 1, is_last, segment.is_empty()) {
            (true, false, false) => {
                pieces.code(segment);
                continue;
            }
            (true, false, true) => pieces.code("``"),
            // It has no partner.
            (true, true, _) => pieces.code("`"),
            (false, ..) => {}
        }
        if segment.starts_with(char::is_whitespace) {
            pieces.text(" ");
        }
        for (index, word) in segment.split_whitespace().enumerate() {
            if index > 0 {
                pieces.text(" ");
            }
            pieces.word(word);
        }
        if segment.ends_with(char::is_whitespace) {
            pieces.text(" ");
        }
    }
    pieces.finish().trim().to_owned()
}

/// Two spans of code side by side would be one: their backticks would meet.
#[derive(Default)]
struct Pieces {
    text: String,
    code: String,
}

impl Pieces {
    fn code(&mut self, text: &str) {
        self.code.push_str(text);
    }

    fn text(&mut self, text: &str) {
        if !text.is_empty() {
            self.text.push_str(&code(&std::mem::take(&mut self.code)));
            self.text.push_str(text);
        }
    }

    fn word(&mut self, word: &str) {
        let inner = word.trim_start_matches(['(', '"', '\'']);
        let (before, inner) = word.split_at(word.len() - inner.len());
        let bare = inner.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '"', '\'']);
        let (bare, after) = inner.split_at(bare.len());
        self.text(before);
        if is_word(bare) {
            self.text(bare);
        } else {
            self.code(bare);
        }
        self.text(after);
    }

    fn finish(mut self) -> String {
        self.text.push_str(&code(&self.code));
        self.text
    }
}

/// Whether nothing that reads Markdown makes more of it.
fn is_word(bare: &str) -> bool {
    let is_hash = bare.len() > 6
        && bare.bytes().all(|b| b.is_ascii_hexdigit())
        && bare.bytes().any(|b| b.is_ascii_digit());
    // `GH-1`, and whatever keys of issues a repository has told GitHub of.
    let is_issue = bare
        .as_bytes()
        .windows(2)
        .any(|pair| pair[0].is_ascii_uppercase() && pair[1] == b'-');
    !is_hash
        && !is_issue
        && !bare.to_lowercase().contains("www.")
        && bare
            .chars()
            .all(|c| c.is_alphanumeric() || ".,;'\"()/?%-–—…→±=+".contains(c))
}

/// Text for what is HTML in Markdown, such as the summary of details.
pub fn html(text: &str) -> String {
    let mut escaped = String::new();
    for c in printable(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A block of lines, behind a fence that is longer than any in them.
pub fn fenced(language: &str, lines: &str) -> String {
    let longest = lines.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    let end = if lines.ends_with('\n') { "" } else { "\n" };
    format!("{fence}{language}\n{lines}{end}{fence}\n")
}

/// A folded part of a document: `summary` is HTML, `body` is Markdown.
pub fn details(summary: &str, body: &str) -> String {
    format!("<details><summary>{summary}</summary>\n\n{body}\n</details>\n")
}
