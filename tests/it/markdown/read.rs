//! The document as a parser of CommonMark reads it.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use restatectl::render::markdown::document::LIMIT;

#[derive(Debug, Default)]
pub struct Read {
    /// In their order, which no text may change.
    pub tags: Vec<String>,
    /// The cells of each row of the table but for its head.
    pub rows: Vec<Vec<String>>,
    pub items: Vec<String>,
    html: String,
    /// What is neither code nor HTML, where GitHub finds more to link than CommonMark does.
    prose: String,
    pub code_blocks: Vec<String>,
    links: usize,
}

pub fn read(text: &str) -> Read {
    let mut read = Read::default();
    let mut row = Vec::new();
    let mut in_block = false;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        if let Event::Start(tag) = &event {
            read.tags.push(format!("{tag:?}"));
        }
        match event {
            Event::Start(Tag::Link { .. } | Tag::Image { .. }) => read.links += 1,
            Event::Start(Tag::CodeBlock(kind)) => {
                assert!(matches!(kind, CodeBlockKind::Fenced(_)), "{text}");
                in_block = true;
                read.code_blocks.push(String::new());
            }
            Event::End(TagEnd::CodeBlock) => in_block = false,
            Event::End(TagEnd::TableHead) => row.clear(),
            Event::Start(Tag::TableCell) => row.push(String::new()),
            Event::End(TagEnd::TableRow) => read.rows.push(std::mem::take(&mut row)),
            Event::Start(Tag::Item) => read.items.push(String::new()),
            Event::Html(html) | Event::InlineHtml(html) => read.html.push_str(&html),
            Event::Text(text) if in_block => read.code_blocks.last_mut().unwrap().push_str(&text),
            Event::Text(text) => {
                read.prose.push_str(&text);
                add(&mut row, &mut read.items, &text);
            }
            Event::Code(text) => {
                read.prose.push('\u{fffc}');
                add(&mut row, &mut read.items, &text);
            }
            Event::SoftBreak | Event::HardBreak => {
                read.prose.push('\n');
                add(&mut row, &mut read.items, "\n");
            }
            Event::End(tag) if !matches!(tag, TagEnd::Emphasis | TagEnd::Strong) => read.prose.push('\n'),
            _ => {}
        }
    }
    read
}

fn add(row: &mut [String], items: &mut [String], text: &str) {
    if let Some(cell) = row.last_mut() {
        cell.push_str(text);
    } else if let Some(item) = items.last_mut() {
        item.push_str(text);
    }
}

/// One document, with nothing in it that was not put there on purpose.
#[track_caller]
pub fn assert_sound(text: &str) -> Read {
    assert!(text.len() <= LIMIT, "{} bytes", text.len());
    let read = read(text);
    assert_eq!(read.links, 0, "{text}");
    let tags: Vec<&str> = read
        .html
        .split('<')
        .skip(1)
        .map(|tag| tag.split('>').next().unwrap())
        .collect();
    let mut open = Vec::new();
    for (index, tag) in tags.into_iter().enumerate() {
        match tag {
            "details" | "summary" | "code" => open.push(tag),
            "/details" | "/summary" | "/code" => assert_eq!(open.pop(), tag.strip_prefix('/'), "{text}"),
            _ => assert!(
                index == 0 && tag.starts_with("!-- restatectl "),
                "<{tag}> in {text}"
            ),
        }
    }
    assert!(open.is_empty(), "{text}");
    // GitHub looks for these in the text of the finished page, whatever they were written as.
    let is_digit_after = |what: &str| {
        (read.prose.split(what).skip(1)).any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let prose = read.prose.to_lowercase();
    for found in ["://", "www.", "@", "gh-", "0123456789abcdef"] {
        assert!(!prose.contains(found), "{found} in the prose of {text}");
    }
    assert!(!is_digit_after("#"), "{text}");
    assert!(!prose.contains(['$', '\u{202e}', '\u{1b}']), "{text}");
    // Workflow commands are found at the start of a line.
    let is_command = |line: &str| line.trim_start().starts_with("::") || line.starts_with("##[");
    assert!(!text.lines().any(is_command), "{text}");
    read
}
