//! What the codes of problems mean. The texts are a document of their own, `codes.md`.

const CODES: &str = include_str!("codes.md");

/// Code and explanation, by code.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    CODES.split("\n## ").skip(1).filter_map(|section| {
        let (code, text) = section.split_once('\n')?;
        Some((code, text.trim()))
    })
}

/// The explanation of a code; `None` for what is not one.
pub fn explain(code: &str) -> Option<&'static str> {
    all().find_map(|(known, text)| (known == code).then_some(text))
}
