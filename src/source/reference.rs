//! The text of references: `${env:NAME}`, `${file:PATH}`, `${var:NAME}`, each with `:-DEFAULT`.
//! `$${` is a literal `${`.

/// A piece of a string value.
#[derive(Debug, PartialEq, Eq)]
pub enum Part<'t> {
    Literal(&'t str),
    Reference(Reference<'t>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference<'t> {
    pub kind: RefKind,
    pub name: &'t str,
    /// The value to take when nothing is set, or it is empty.
    pub default: Option<&'t str>,
    /// The reference as it is written, with its braces.
    pub text: &'t str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefKind {
    Env,
    File,
    Var,
}

/// Why a text has a `${` that is no reference.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed<'t> {
    /// The text that is wrong, from its `${`.
    pub text: &'t str,
    pub message: String,
    pub help: String,
}

const LITERALLY: &str = "to write `${` literally, double the dollar: `$${`";

/// Whether a text only says where its value is: references without defaults, and in front of them no more than
/// a word for how they are meant, such as `Bearer `.
pub fn is_bare(text: &str) -> bool {
    let parts = parse(text).unwrap_or_default();
    let is_bare = |(at, part): (usize, &Part<'_>)| match part {
        Part::Reference(reference) => reference.default.is_none(),
        Part::Literal(text) => at == 0 && text.len() == scheme(text),
    };
    let has_reference = parts.iter().any(|part| matches!(part, Part::Reference(_)));
    has_reference && parts.iter().enumerate().all(is_bare)
}

/// How long the words are at the start of a value that say how it is meant: `Bearer `.
pub fn scheme(text: &str) -> usize {
    let start = text.len() - text.trim_start_matches(['"', '\'']).len();
    let schemes = ["bearer ", "basic ", "token ", "digest "];
    let after = |scheme: &&str| {
        let found = text.get(start..start + scheme.len());
        found.is_some_and(|found| found.eq_ignore_ascii_case(scheme))
    };
    schemes
        .iter()
        .find(|scheme| after(scheme))
        .map_or(0, |scheme| start + scheme.len())
}

/// # Errors
/// The first `${` that starts no reference.
pub fn parse(text: &str) -> Result<Vec<Part<'_>>, Malformed<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        if let Some(before) = before.strip_suffix('$') {
            parts.push(Part::Literal(before));
            parts.push(Part::Literal("${"));
            rest = &from[2..];
            continue;
        }
        parts.push(Part::Literal(before));
        let reference = reference(from)?;
        rest = &from[reference.text.len()..];
        parts.push(Part::Reference(reference));
    }
    parts.push(Part::Literal(rest));
    parts.retain(|part| *part != Part::Literal(""));
    Ok(parts)
}

/// The reference at the start of `from`, which starts with `${`.
fn reference(from: &str) -> Result<Reference<'_>, Malformed<'_>> {
    let malformed = |text, message: &str, help: String| Malformed {
        text,
        message: message.to_owned(),
        help,
    };
    let Some(end) = from.find('}') else {
        return Err(malformed(
            from,
            "the reference is not closed",
            format!("end it with `}}`; {LITERALLY}"),
        ));
    };
    let (text, inner) = (&from[..=end], &from[2..end]);
    if inner.contains("${") {
        return Err(malformed(
            text,
            "references do not nest",
            "give the default as it is, or declare a variable with it".to_owned(),
        ));
    }
    let (kind, rest) = inner.split_once(':').unwrap_or(("", inner));
    let (name, default) = match rest.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (rest, None),
    };
    let (kind, is_name) = match kind {
        "env" => (RefKind::Env, is_name(name, "")),
        "file" => (RefKind::File, !name.is_empty()),
        "var" => (RefKind::Var, is_name(name, "-")),
        _ => {
            let meant = is_name(rest, "").then(|| format!("write `${{env:{rest}}}` for the environment variable or `${{var:{rest}}}` for the variable of that name; "));
            return Err(malformed(
                text,
                "a reference starts with `env:`, `file:` or `var:`",
                format!("{}{LITERALLY}", meant.unwrap_or_default()),
            ));
        }
    };
    if !is_name {
        return Err(malformed(
            text,
            "the name in the reference is not one",
            "a name has letters, digits and `_`, and does not start with a digit".to_owned(),
        ));
    }
    Ok(Reference {
        kind,
        name,
        default,
        text,
    })
}

/// Letters, digits, `_` and `extra`, not starting with a digit.
pub fn is_name(name: &str, extra: &str) -> bool {
    let first = name.chars().next();
    first.is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || extra.contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_references_defaults_and_escapes() {
        let env = |default| Reference {
            kind: RefKind::Env,
            name: "A",
            default,
            text: if default.is_some() {
                "${env:A:-x:-y}"
            } else {
                "${env:A}"
            },
        };
        assert_eq!(parse("a $b {c}"), Ok(vec![Part::Literal("a $b {c}")]));
        assert_eq!(
            parse("a${env:A}${env:A:-x:-y}z"),
            Ok(vec![
                Part::Literal("a"),
                Part::Reference(env(None)),
                Part::Reference(env(Some("x:-y"))),
                Part::Literal("z")
            ])
        );
        assert_eq!(
            parse("$${env:A}"),
            Ok(vec![Part::Literal("${"), Part::Literal("env:A}")])
        );
        assert_eq!(
            parse("$$${env:A}"),
            Ok(vec![
                Part::Literal("$"),
                Part::Literal("${"),
                Part::Literal("env:A}")
            ])
        );
        assert_eq!(parse(""), Ok(vec![]));
    }

    #[test]
    fn what_is_no_reference_is_told_from_its_start() {
        for (text, wrong) in [
            ("a ${env:A", "${env:A"),
            ("${}", "${}"),
            ("x${A}y", "${A}"),
            ("${ENV:A}", "${ENV:A}"),
            ("${env:}", "${env:}"),
            ("${env:1A}", "${env:1A}"),
            ("${var:a b}", "${var:a b}"),
            ("${file:}", "${file:}"),
            ("${env:A:-${env:B}}", "${env:A:-${env:B}"),
        ] {
            assert_eq!(parse(text).map_err(|m| m.text), Err(wrong), "{text}");
        }
    }
}
