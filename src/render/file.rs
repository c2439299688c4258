//! Results in files.

use crate::problem::Problem;
use std::fs::{self, File};
use std::io::{Error, Result, Write};
use std::path::Path;

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Whoever the umask lets.
    All,
    /// 0600.
    Owner,
}

/// Writes the file whole or not at all: in its directory under another name, then in its place. What
/// is no regular file, such as a pipe, is written to.
///
/// # Errors
/// When the directory or the file cannot be written; then the file is what it was.
pub fn write(path: &Path, text: &str, readers: Readers) -> Result<()> {
    if !is_replaceable(path) {
        return File::options()
            .append(true)
            .open(path)?
            .write_all(text.as_bytes());
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

/// Whether it is, or would be, a file of its own. `/dev/stdout` may lead to one that others write.
pub fn is_replaceable(path: &Path) -> bool {
    let is_stream = path.starts_with("/dev") || path.starts_with("/proc");
    !is_stream && fs::metadata(path).map_or(true, |found| found.is_file())
}

/// That it cannot be written.
pub fn unwritable(path: &Path, error: &Error) -> Problem {
    Problem::error(
        "unwritable-file",
        format!("cannot write `{}`: {error}", path.display()),
    )
}

/// Whether [`write`] would work, as far as that can be told before.
///
/// # Errors
/// As [`write`].
pub fn check(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Err(std::io::ErrorKind::IsADirectory.into());
    }
    if !is_replaceable(path) {
        // To open a pipe waits for its reader.
        return Ok(());
    }
    beside(path, Readers::Owner).map(drop)
}

fn beside(path: &Path, readers: Readers) -> Result<tempfile::NamedTempFile> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    if readers == Readers::All {
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    }
    builder
        .prefix(".restatectl-")
        .tempfile_in(directory.unwrap_or(Path::new(".")))
        // Its own message names the temporary file.
        .map_err(|error| error.kind().into())
}
