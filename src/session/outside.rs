//! The environment and the files that references may read.

use crate::code::Code;
use crate::problem::Problem;
use crate::source::interpolate::Outside;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// A value, not a store of data: certificates have a few KiB.
const MAX_FILE: u64 = 1 << 20;

type Content = Result<Option<Rc<str>>, Problem>;

/// Reads each file once, and only those below the directory of the file that refers to it.
#[derive(Default)]
pub struct Surroundings {
    /// The directory of each source, by its number.
    pub directories: Vec<PathBuf>,
    read: BTreeMap<PathBuf, Content>,
}

impl Outside for Surroundings {
    fn env(&mut self, name: &str) -> Content {
        match std::env::var(name) {
            Ok(value) => Ok(Some(value.into())),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err(Problem::error(
                Code::NotText,
                format!("the environment variable `{name}` is not UTF-8 text"),
            )),
        }
    }

    fn file(&mut self, from: u32, path: &str) -> Content {
        let directory = self.directories.get(from as usize).cloned().unwrap_or_default();
        let key = directory.join(path);
        if let Some(content) = self.read.get(&key) {
            return content.clone();
        }
        let content = content(&directory, path);
        self.read.insert(key, content.clone());
        content
    }
}

fn content(directory: &Path, path: &str) -> Content {
    let refused = |why: &str| Problem::error(Code::FileReference, format!("the file `{path}` {why}"));
    let failed = |error: std::io::Error| refused(&format!("cannot be read: {error}"));
    let outside = || {
        refused("is outside of the directory of the file that refers to it")
            .help("copy it below that directory, or pass its content in an environment variable")
    };
    if Path::new(path).is_absolute() {
        return Err(outside());
    }
    let directory = if directory.as_os_str().is_empty() {
        Path::new(".")
    } else {
        directory
    };
    let root = directory.canonicalize().map_err(failed)?;
    // Whether there is a file outside is nobody's business.
    let mut depth = 0;
    for part in Path::new(path).components() {
        match part {
            std::path::Component::ParentDir => depth -= 1,
            std::path::Component::Normal(_) => depth += 1,
            _ => {}
        }
        if depth < 0 {
            return Err(outside());
        }
    }
    let target = match root.join(path).canonicalize() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        target => target.map_err(failed)?,
    };
    // Symbolic links are resolved by now.
    if !target.starts_with(&root) {
        return Err(outside());
    }
    // A pipe would wait for ever.
    if !target.metadata().map_err(failed)?.is_file() {
        return Err(refused("is not a regular file"));
    }
    let mut bytes = Vec::new();
    let file = File::open(&target).map_err(failed)?;
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(refused(&format!("has more than {} MiB", MAX_FILE >> 20)));
    }
    let text = String::from_utf8(bytes).map_err(|_| refused("is not UTF-8 text"))?;
    // Editors and `echo` end a file with a line end that is not part of the value.
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(Some(text.strip_suffix('\r').unwrap_or(text).into()))
}
