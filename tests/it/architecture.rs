//! Data flows down: a file uses only those above it in the list of `src/lib.rs`, no two files of a
//! folder use each other, and only the writes of a kind know the client.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A file's path below `src`, without its ending, and without `mod` for that of a folder.
type Name = String;

struct House {
    files: BTreeMap<Name, String>,
    /// From the top down: each floor's names, where `*` stands for any kind.
    floors: Vec<Vec<Name>>,
}

impl House {
    fn read() -> Self {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut files = BTreeMap::new();
        for_each_file(&src, &mut |path, text| {
            let relative = path.strip_prefix(&src).unwrap().with_extension("");
            let name = relative.to_str().unwrap().trim_end_matches("/mod").to_owned();
            // Without the tests inside, which may look at anything.
            let text = text.split("\n#[cfg(test)]\n").next().unwrap();
            // Nor what comments speak of, but for the one at the top.
            let (top, code): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with("//!"));
            let is_code = |line: &&str| !line.trim_start().starts_with("//");
            let code = code.into_iter().filter(is_code);
            let lines: Vec<&str> = top.into_iter().chain(code).collect();
            files.insert(name, lines.join("\n"));
        });
        let floors = floors(&files["lib"]);
        Self { files, floors }
    }

    /// The floor of a file: the longest name in the list that it has or is below.
    fn floor(&self, file: &str) -> Option<usize> {
        let fits = |name: &str| {
            let (mut name, mut parts) = (name.split('/'), file.split('/'));
            name.all(|word| parts.next().is_some_and(|part| word == "*" || word == part))
        };
        let named = self.floors.iter().enumerate();
        let fitting = named.flat_map(|(floor, names)| names.iter().map(move |name| (floor, name)));
        let (floor, _) = fitting
            .filter(|(_, name)| fits(name))
            .max_by_key(|(_, name)| (name.split('/').count(), !name.contains('*')))?;
        Some(floor)
    }

    /// The file that a path leads to, such as `crate::kind::Key`.
    fn file_of(&self, path: &[String]) -> Option<Name> {
        (1..=path.len())
            .rev()
            .map(|n| path[..n].join("/"))
            .find(|name| self.files.contains_key(name))
    }

    /// The files that a file uses.
    fn used_by(&self, file: &str) -> BTreeSet<Name> {
        let parts: Vec<String> = file.split('/').map(str::to_owned).collect();
        let parent = &parts[..parts.len() - 1];
        let mut used = BTreeSet::new();
        for (word, base) in [("crate::", &[][..]), ("super::", parent), ("self::", &parts[..])] {
            let text = &self.files[file];
            for (at, _) in text.match_indices(word) {
                if text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':' || c == '$') {
                    continue;
                }
                for path in paths(&text[at + word.len()..]) {
                    let whole = [base.to_vec(), path].concat();
                    used.extend(self.file_of(&whole));
                }
            }
        }
        used.remove(file);
        used
    }
}

/// The names in backticks of the list items in the doc comment, up to their colons.
fn floors(lib: &str) -> Vec<Vec<Name>> {
    let doc: Vec<&str> = lib.lines().filter_map(|line| line.strip_prefix("//!")).collect();
    let doc = doc.join("\n");
    let items = doc.split("\n - ").skip(1);
    items
        .map(|item| {
            let names = item.split(':').next().unwrap();
            names.split('`').skip(1).step_by(2).map(str::to_owned).collect()
        })
        .collect()
}

/// Every path of what follows a `crate::`, through all braces of a `use`.
fn paths(text: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    follow(text, &[], &mut paths);
    paths
}

/// Returns how much of the text it has read.
fn follow(text: &str, before: &[String], paths: &mut Vec<Vec<String>>) -> usize {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '*';
    let end = text.find(|c| !is_word(c)).unwrap_or(text.len());
    let path = [before, &[text[..end].to_owned()]].concat();
    let rest = &text[end..];
    if let Some(group) = rest.strip_prefix("::{") {
        let mut at = end + 3;
        let mut inner = group;
        loop {
            let trimmed = inner.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
            at += inner.len() - trimmed.len();
            inner = trimmed;
            if inner.starts_with('}') || inner.is_empty() {
                return at + 1;
            }
            let read = follow(inner, &path, paths).max(1);
            at += read;
            inner = &inner[read..];
        }
    }
    if let Some(more) = rest.strip_prefix("::")
        && more.starts_with(is_word)
    {
        return end + 2 + follow(more, &path, paths);
    }
    paths.push(path);
    end
}

#[test]
fn every_module_has_its_place_in_the_list() {
    let house = House::read();
    let lib = &house.files["lib"];
    let modules: Vec<&str> = lib
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    assert!(modules.len() > 20, "{modules:?}");
    let nowhere: Vec<&&str> = modules
        .iter()
        .filter(|module| house.floor(module).is_none())
        .collect();
    assert!(nowhere.is_empty(), "not in the list of lib.rs: {nowhere:?}");
    let outside: Vec<&Name> = (house.files.keys())
        .filter(|file| house.floor(file).is_none() && !["lib", "main", "build"].contains(&file.as_str()))
        .collect();
    assert!(outside.is_empty(), "no floor has them: {outside:?}");
    // A kind's files are on the floors of their stages, not on that of the registry.
    let registry = house.floor("kind");
    let unplaced: Vec<&Name> = (house.files.keys())
        .filter(|file| file.split('/').count() == 3 && file.starts_with("kind/"))
        .filter(|file| house.floor(file) == registry)
        .collect();
    assert!(
        unplaced.is_empty(),
        "stages that the list does not name: {unplaced:?}"
    );
    // And what the list names is there.
    let files: Vec<&Name> = house.files.keys().collect();
    for name in house.floors.iter().flatten() {
        let floor = house.floors.iter().position(|names| names.contains(name));
        let is_there = files.iter().any(|file| house.floor(file) == floor);
        assert!(is_there, "nothing is called `{name}`");
    }
}

#[test]
fn files_use_only_those_above_them() {
    let house = House::read();
    let mut wrong = Vec::new();
    for file in house.files.keys() {
        let Some(floor) = house.floor(file) else { continue };
        for used in house.used_by(file) {
            if house.floor(&used).is_some_and(|its| its > floor) {
                wrong.push(format!("{file} uses {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// That of a folder declares the others, and they use what it has: it is left out of account.
#[test]
fn no_two_files_of_a_folder_use_each_other() {
    let house = House::read();
    let folder = |file: &str| {
        file.rsplit_once('/')
            .map_or(String::new(), |(folder, _)| folder.to_owned())
    };
    let beside: BTreeMap<&Name, BTreeSet<Name>> = (house.files.keys())
        .map(|file| {
            let used = house.used_by(file).into_iter();
            let is_beside = |used: &Name| folder(used) == folder(file) && !folder(file).is_empty();
            (file, used.filter(is_beside).collect())
        })
        .collect();
    let mut circles = Vec::new();
    for start in beside.keys() {
        let (mut seen, mut left) = (BTreeSet::new(), vec![(*start).clone()]);
        while let Some(file) = left.pop() {
            for next in &beside[&file] {
                if next == *start {
                    circles.push(format!("{start} uses itself by way of {file}"));
                } else if seen.insert(next.clone()) {
                    left.push(next.clone());
                }
            }
        }
    }
    assert!(circles.is_empty(), "{circles:#?}");
}

/// Within a kind only its writes know the client, and none knows another's diff.
#[test]
fn kinds_keep_to_themselves() {
    let house = House::read();
    let writes = ["apply", "delete", "settle", "watch"];
    let diffs = [
        "diff", "prune", "pairing", "groups", "register", "existing", "recode", "taking",
    ];
    let mut wrong = Vec::new();
    for (file, text) in &house.files {
        let ["kind", kind, stage] = file.split('/').collect::<Vec<_>>()[..] else {
            continue;
        };
        if text.contains("Client") && !writes.contains(&stage) {
            wrong.push(format!("{file} knows the client"));
        }
        for used in house.used_by(file) {
            if let ["kind", other, stage] = used.split('/').collect::<Vec<_>>()[..]
                && other != kind
                && diffs.contains(&stage)
            {
                wrong.push(format!("{file} uses {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_file_says_what_belongs_in_it() {
    let house = House::read();
    let silent: Vec<&Name> = (house.files.iter())
        .filter(|(file, text)| !text.starts_with("//! ") && *file != "main")
        .map(|(file, _)| file)
        .collect();
    assert!(silent.is_empty(), "without a comment at the top: {silent:?}");
}

#[test]
fn no_file_is_too_long() {
    let mut long = Vec::new();
    for folder in ["src", "tests"] {
        for_each_file(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join(folder),
            &mut |path, text| {
                let lines = text.lines().count();
                if lines > 500 || (path.ends_with("main.rs") && folder == "src" && lines > 40) {
                    long.push(format!("{}: {lines} lines", path.display()));
                }
            },
        );
    }
    assert!(long.is_empty(), "{long:#?}");
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
