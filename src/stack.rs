//! Stacks: who owns what on a server.

use crate::code::Code;
use crate::problem::{Problem, Problems};
use crate::source::{Read, Spanned, Text};

/// The key in a deployment's metadata that says which stack it belongs to.
pub const STACK_MARK: &str = "restatectl.stack";

/// The name of the file's `stack`: one that can be a value of metadata, and of
/// `--allow take-over=NAME`.
pub fn read(read: Read<Text>, problems: &mut Problems) -> Option<Spanned<String>> {
    let stack = read.ok()?;
    let name = stack.value.as_str();
    let is_name = (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if !is_name {
        problems.push(
            Problem::error(
                Code::InvalidStack,
                format!("`{}` is not the name of a stack", stack.value.quote()),
            )
            .at(stack.span)
            .help("a stack's name has up to 64 letters, digits, `.`, `_` and `-`"),
        );
    }
    is_name.then(|| stack.map(Text::into_string))
}
