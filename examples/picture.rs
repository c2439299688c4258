//! Makes a picture of what a terminal shows. The one in the README is that of a saved plan:
//!
//! ```sh
//! cargo run -- show examples/shop/plan.json --color always | cargo run --example picture > examples/shop/plan.svg
//! ```

#![expect(clippy::print_stdout, reason = "the picture is the output")]

#[path = "../tests/it/picture.rs"]
mod picture;

use std::io::Read;

fn main() -> std::io::Result<()> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    print!("{}", picture::of(&text));
    Ok(())
}
