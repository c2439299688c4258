//! Writing results to files.

use crate::code::Code;
use crate::problem::Problem;
use std::fs::{self, File};
use std::io::{Error, ErrorKind, Result, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long to wait for whoever reads a pipe.
const READER: Duration = Duration::from_secs(10);

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Whoever the umask lets read it.
    All,
    /// The owner alone: mode 0600.
    Owner,
}

/// Writes the file whole or not at all: in its directory under another name, then in its place. What
/// is no file of its own, such as a pipe, is written to.
///
/// # Errors
/// When the directory or the file cannot be written; then the file is what it was.
pub fn write(path: &Path, text: &str, readers: Readers) -> Result<()> {
    is_no_file(path)?;
    if !is_replaceable(path) {
        return stream(path.to_owned(), text.to_owned());
    }
    // A link stays one.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut file = beside(path, readers)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    if let (Readers::All, Ok(before)) = (readers, fs::metadata(path)) {
        // Whoever made it readable for fewer meant it.
        file.as_file().set_permissions(before.permissions())?;
    }
    file.persist(path)?;
    Ok(())
}

/// A pipe that nobody reads would be waited for for ever.
fn stream(path: PathBuf, text: String) -> Result<()> {
    let (done, waits) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let file = File::options().append(true).open(path);
        let _ = done.send(file.and_then(|mut file| file.write_all(text.as_bytes())));
    });
    waits
        .recv_timeout(READER)
        .unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
}

/// Whether it is, or would be, a file of its own. `/dev/stdout` may lead to one that others write.
pub fn is_replaceable(path: &Path) -> bool {
    let mut path = path.to_owned();
    // As many links as the system follows.
    for _ in 0..40 {
        if ["/dev/std", "/dev/fd", "/proc"]
            .iter()
            .any(|stream| path.as_os_str().as_encoded_bytes().starts_with(stream.as_bytes()))
        {
            return false;
        }
        let Ok(target) = fs::read_link(&path) else { break };
        path = directory(&path).join(target);
    }
    fs::metadata(path).map_or(true, |found| found.is_file())
}

/// The directory that a path is in.
pub fn directory(path: &Path) -> &Path {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

/// The place that a path leads to, also if there is no file yet.
pub fn absolute(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default();
    let there = path
        .canonicalize()
        .or_else(|_| Ok::<_, Error>(directory(path).canonicalize()?.join(name)));
    there.unwrap_or_else(|_| path.to_owned())
}

/// The problem of a file that cannot be written.
pub fn unwritable(path: &Path, error: &Error) -> Problem {
    let why = match error.kind() {
        ErrorKind::NotFound => format!("there is no directory `{}`", directory(path).display()),
        ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string(),
    };
    Problem::error(
        Code::UnwritableFile,
        format!("cannot write `{}`: {why}", path.display()),
    )
}

/// Standard output has no name: what is to be printed needs no file.
fn is_no_file(path: &Path) -> Result<()> {
    if path == Path::new("-") {
        let why = "`-` is no file; without a name it is printed";
        return Err(Error::new(ErrorKind::InvalidInput, why));
    }
    Ok(())
}

/// Whether [`write`] would work, as far as that can be told before.
///
/// # Errors
/// As [`write`].
pub fn check(path: &Path) -> Result<()> {
    is_no_file(path)?;
    if path.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    if !is_replaceable(path) {
        // To open a pipe waits for its reader.
        return Ok(());
    }
    beside(path, Readers::Owner).map(drop)
}

fn beside(path: &Path, readers: Readers) -> Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    if readers == Readers::All {
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    }
    builder
        .prefix(".restatectl-")
        .tempfile_in(directory(path))
        // Its own message names the temporary file.
        .map_err(|error| error.kind().into())
}
