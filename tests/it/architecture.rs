//! Data flows down: a module uses only those above it.

use std::path::Path;

/// From the top down, as in `src/lib.rs`.
const ORDER: [&str; 20] = [
    "explain", "problem", "secret", "source", "config", "desired", "check", "load", "admin", "live", "diff",
    "plan", "drift", "snapshot", "export", "apply", "cli", "error", "render", "cmd",
];

/// `problem` points into files, and files are parsed into problems: the two are one floor.
const SAME_FLOOR: [(&str, &str); 1] = [("problem", "source")];

#[test]
fn modules_use_only_those_above_them() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for_each_file(&src, &mut |path, text| {
        let relative = path.strip_prefix(&src).unwrap();
        let module = relative
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_string_lossy();
        let module = module.trim_end_matches(".rs").to_owned();
        let Some(rank) = rank(&module) else { return };
        for used in text
            .match_indices("crate::")
            .map(|(at, _)| word_at(&text[at + 7..]))
        {
            let points_up = rank < self::rank(used).unwrap_or(0);
            if points_up && !SAME_FLOOR.contains(&(&module, used)) {
                wrong.push(format!("{} uses crate::{used}", relative.display()));
            }
        }
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_file_is_too_long() {
    let mut long = Vec::new();
    for_each_file(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut |path, text| {
            let lines = text.lines().count();
            if lines > 500 || (path.ends_with("main.rs") && lines > 40) {
                long.push(format!("{}: {lines} lines", path.display()));
            }
        },
    );
    assert!(long.is_empty(), "{long:#?}");
}

fn rank(module: &str) -> Option<usize> {
    ORDER.iter().position(|known| *known == module)
}

fn word_at(text: &str) -> &str {
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    &text[..end]
}

fn for_each_file(dir: &Path, visit: &mut dyn FnMut(&Path, &str)) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            for_each_file(&path, visit);
        } else if path.extension().is_some_and(|e| e == "rs") {
            visit(&path, &std::fs::read_to_string(&path).unwrap());
        }
    }
}
