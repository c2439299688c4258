use restatectl::cmd;
use std::process::ExitCode;

fn main() -> ExitCode {
    cmd::main(std::env::args_os()).into()
}
