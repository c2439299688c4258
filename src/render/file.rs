//! Results in files.

use std::fs::{self, File};
use std::io::{Result, Write};
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
    // A link stays one.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return File::options().write(true).open(path)?.write_all(text.as_bytes());
    }
    let mut file = beside(path, readers)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Whether [`write`] would work, as far as that can be told before.
///
/// # Errors
/// As [`write`].
pub fn check(path: &Path) -> Result<()> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(std::io::ErrorKind::IsADirectory.into()),
        Ok(found) if !found.is_file() => Ok(()),
        _ => beside(path, Readers::Owner).map(drop),
    }
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
}
