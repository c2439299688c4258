//! A document of bounded size: what does not fit is left out whole, and counted.

use std::fmt::{self, Write};

/// The longest document, in bytes. GitHub takes 65,536 characters for a comment.
pub const LIMIT: usize = 60_000;

/// Kept free for the note that says what is left out: a dozen sorts of elements, of which two are
/// told by operation or status, are well below it.
const NOTE: usize = 2_000;

/// Elements of one sort, the most important first.
pub struct Elements<'a, T> {
    /// What the note calls them.
    pub what: &'static str,
    pub items: &'a [T],
    /// The word by which the note counts an element that is left out; it may be empty.
    pub group: fn(&T) -> &'static str,
    /// The Markdown before the first element.
    pub opening: String,
    /// The most that they may take, in bytes, so that others get their turn.
    pub share: usize,
}

struct LeftOut {
    what: &'static str,
    of: usize,
    count: usize,
    groups: Vec<(&'static str, usize)>,
}

impl LeftOut {
    fn add(&mut self, group: &'static str) {
        self.count += 1;
        match self.groups.iter_mut().find(|(known, _)| *known == group) {
            Some((_, count)) => *count += 1,
            None if group.is_empty() => {}
            None => self.groups.push((group, 1)),
        }
    }
}

/// Sections are made in the order of their importance and put together in the order of reading.
pub struct Document {
    head: String,
    left: usize,
    left_out: Vec<LeftOut>,
}

impl Document {
    /// A document that starts with `head`, which is never left out.
    pub fn new(head: String) -> Self {
        Self {
            left: LIMIT.saturating_sub(NOTE + head.len()),
            head,
            left_out: Vec::new(),
        }
    }

    /// A section of as many elements as there is room for, each of them whole: one that is too long
    /// does not keep out those behind it. Empty where there is none.
    pub fn section<T>(&mut self, elements: Elements<'_, T>, element: impl Fn(&T) -> String) -> String {
        let Elements {
            what,
            items,
            group,
            opening,
            share,
        } = elements;
        // Sections have an empty line between them.
        let room = share.min(self.left).saturating_sub(1);
        let mut section = opening;
        let mut left_out = LeftOut {
            what,
            of: items.len(),
            count: 0,
            groups: Vec::new(),
        };
        for item in items {
            let text = element(item);
            if section.len() + text.len() <= room {
                section.push_str(&text);
            } else {
                left_out.add(group(item));
            }
        }
        let is_empty = left_out.count == items.len();
        if left_out.count > 0 {
            self.left_out.push(left_out);
        }
        if is_empty {
            return String::new();
        }
        self.left -= section.len() + 1;
        section
    }

    pub fn finish(self, sections: &[String]) -> String {
        let mut text = self.head;
        if !self.left_out.is_empty() {
            let _ = write!(text, "\n{}", note(&self.left_out));
        }
        for section in sections.iter().filter(|section| !section.is_empty()) {
            text.push('\n');
            text.push_str(section);
        }
        text
    }
}

fn note(left_out: &[LeftOut]) -> String {
    let parts: Vec<String> = left_out.iter().map(LeftOut::to_string).collect();
    format!(
        "> [!NOTE]\n> This is not all of it. Left out to stay within the size of a comment: {}. The text and the JSON output have everything.\n",
        parts.join("; ")
    )
}

/// What was left out, in words: `4100 of 5000 table rows (4000 register, 100 configure)`.
impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            of,
            count,
            groups,
        } = self;
        write!(f, "{count} of {of} {what}")?;
        if groups.is_empty() {
            return Ok(());
        }
        let groups: Vec<String> = groups.iter().map(|(group, n)| format!("{n} {group}")).collect();
        write!(f, " ({})", groups.join(", "))
    }
}
