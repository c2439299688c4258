//! A picture of what a terminal shows, legible on a light page and on a dark one.

use anstyle_svg::Term;

/// Colours of a terminal, and those that stand out from its background by 7 to 1.
const COLOURS: [(&str, &str); 6] = [
    (".fg { fill: #AAAAAA }", ".fg { fill: #E6EDF3 }"),
    (".bg { fill: #000000 }", ".bg { fill: #0D1117 }"),
    ("#00AA00", "#56D364"),
    ("#AA0000", "#FFA198"),
    ("#AA5500", "#E3B341"),
    ("opacity: 0.4;", "opacity: 0.75;"),
];

/// The text with its escapes as an SVG.
pub fn of(text: &str) -> String {
    let drawn = Term::new().render_svg(text);
    COLOURS
        .iter()
        .fold(drawn, |svg, (from, to)| svg.replace(from, to))
}
