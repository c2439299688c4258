//! Sixteen times the file takes about sixteen times the work, whatever it is that there is more of.
//! Work is counted in what is allocated and in the processor's time, each beside a smaller file.

use crate::{cases, mutate, read, runner, texts};
use proptest::prelude::*;
use proptest::sample::select;
use restatectl::render::json;
use restatectl::source::Format;
use rustix::time::{ClockId, clock_gettime};

const SMALL: usize = 2 << 10;
const TIMES: usize = 16;
/// What is linear takes 16 times the work, what is quadratic 256 times.
const MOST: f64 = 48.0;

/// A text with one part that can be repeated. `№` in it is the number of the repetition.
#[derive(Debug, Clone)]
struct Shape {
    format: Format,
    before: String,
    unit: String,
    after: String,
}

impl Shape {
    fn text(&self, size: usize) -> String {
        let unit = |n: usize| self.unit.replace('№', &n.to_string());
        let units = (0..).map(unit).scan(0, |length, unit| {
            *length += unit.len();
            (*length <= size).then_some(unit)
        });
        [&self.before, &units.collect::<String>(), &self.after]
            .map(String::as_str)
            .concat()
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let (small, large) = (self.text(SMALL), self.text(SMALL * TIMES));
        let mut grown = Work::of(self.format, &large).ratio(&Work::of(self.format, &small));
        // The machine may have been busy with something else in between.
        for _ in 0..4 {
            if grown.time > MOST {
                let again = Work::of(self.format, &large).ratio(&Work::of(self.format, &small));
                grown.time = grown.time.min(again.time);
            }
        }
        prop_assert!(grown.bytes <= MOST, "{:.0} times the memory in all", grown.bytes);
        prop_assert!(grown.time <= MOST, "{:.0} times the time", grown.time);
        Ok(())
    }
}

struct Work {
    /// All that is allocated.
    bytes: f64,
    /// The processor's, in nanoseconds.
    time: f64,
}

impl Work {
    #[expect(clippy::cast_precision_loss, reason = "these are no astronomical numbers")]
    fn of(format: Format, text: &str) -> Self {
        let start = clock_gettime(ClockId::ThreadCPUTime);
        let counts = allocation_counter::measure(|| {
            let outcome = read(format, text);
            std::hint::black_box(json::problems(&outcome.problems, &outcome.sources));
        });
        let time = clock_gettime(ClockId::ThreadCPUTime) - start;
        Self {
            bytes: counts.bytes_total as f64,
            time: time.tv_sec as f64 * 1e9 + time.tv_nsec as f64,
        }
    }

    fn ratio(&self, small: &Self) -> Self {
        Self {
            bytes: self.bytes / small.bytes,
            time: self.time / small.time,
        }
    }
}

/// Before, the unit, after.
const SHAPES: &[(Format, &str, &str, &str)] = &[
    (
        Format::Yaml,
        "version: 1\nservices:\n",
        "  S№: { public: false }\n",
        "",
    ),
    (Format::Yaml, "version: 1\nvariables:\n", "  declared№: {}\n", ""),
    (
        Format::Toml,
        "version = 1\n",
        "[variables.a№]\n[services.S№]\nabort_timeout = '${var:b№}'\n",
        "",
    ),
    (
        Format::Yaml,
        "version: 1\nvariables: { ",
        "declared№: { default: '${var:undeclared№}' }, ",
        "}",
    ),
    (Format::Yaml, "a: [", "[", ""),
    (Format::Yaml, "a: ", "{ a: ", ""),
    (Format::Yaml, "", "- ", ""),
    (Format::Yaml, "", "? ", ""),
    (Format::Yaml, "", "a: 1\n", ""),
    (Format::Yaml, "{", "b№, ", "}"),
    (Format::Yaml, "", "unknown№: 1\n", ""),
    (Format::Yaml, "a: ", "# ", ""),
    (Format::Yaml, "a: 1 ", "// ", "\n"),
    (Format::Yaml, "a: \"", "\\\"", "\""),
    (Format::Yaml, "a: '", "''", "'"),
    (Format::Yaml, "a: |\n", "  \n", ""),
    (Format::Yaml, "a: ", "&a ", "b"),
    (Format::Yaml, "a: [", "&a№ b, ", "]"),
    (Format::Yaml, "a: &a [b]\nb: [", "*a, ", "]"),
    (Format::Yaml, "a: [", "!b c, ", "]"),
    (Format::Yaml, "", "%TAG !a№! b\n", "--- a\n"),
    (Format::Yaml, "a: ", "${", ""),
    (Format::Yaml, "a: ", "${env:A}", ""),
    (Format::Yaml, "a: ", "$${", ""),
    (Format::Yaml, "a: ", "${env:NONE", "}"),
    (Format::Yaml, "a: [", "'${env:NONE}', ", "]"),
    (
        Format::Yaml,
        "version: 1\ndeployments:\n",
        "- uri: http://a\n",
        "",
    ),
    (
        Format::Yaml,
        "version: 1\ndeployments:\n",
        "- uri: http://a№/\n- uri: http://a№\n",
        "",
    ),
    (
        Format::Yaml,
        "version: 1\nsubscriptions:\n",
        "- { source: kafka://a/b, sink: service://S/h }\n",
        "",
    ),
    (
        Format::Yaml,
        "version: 1\nsubscriptions: [{ options: {",
        "group.idd№: a, ",
        "}}]",
    ),
    (
        Format::Yaml,
        "version: 1\nservices: { S: { journal_retention: ",
        "1h ",
        "}}",
    ),
    (Format::Yaml, "version: 1\ndeployments: [{ arn: '", "a:", "'}]"),
    (
        Format::Yaml,
        "version: 1\ndeployments: [{ uri: 'http://",
        "a@",
        "'}]",
    ),
    (
        Format::Json,
        "{\"version\":1,\"subscriptions\":[",
        "{\"source\":\"kafka://a/b№\",\"sink\":\"service://S/h\"},",
        "{}]}",
    ),
    (Format::Json, "{\"a\":[", "{\"b\":1,\"b\":2},", "1]}"),
    (Format::Json, "[", "[", ""),
    (Format::Json, "\"", "\\", "\""),
    (Format::Json, "", "\n", "x"),
    (Format::Toml, "", "[a№]\n", ""),
    (Format::Toml, "", "[[a]]\n", ""),
    (Format::Toml, "", "[[a]]\n[a.b]\n", ""),
    (Format::Toml, "", "a.b.c№ = 1\n", ""),
    (Format::Toml, "a", ".b", " = 1\n"),
    (Format::Toml, "a = ", "[", ""),
    (Format::Toml, "a = [", "{ b = 1 }, ", "]\n"),
    (Format::Toml, "", "a = 1\n", ""),
    (Format::Toml, "", "a\n", ""),
    (Format::Toml, "a = \"\"\"", "\"\" ", "\"\"\"\n"),
    (Format::Toml, "", "# \n", ""),
    (Format::Toml, "a = '", "# ", ""),
];

#[test]
fn of_known_shapes() {
    let mut steep = Vec::new();
    for (format, before, unit, after) in SHAPES {
        let [before, unit, after] = [before, unit, after].map(|part| (*part).to_owned());
        let shape = Shape {
            format: *format,
            before,
            unit,
            after,
        };
        if let Err(error) = shape.check() {
            steep.push(format!("{shape:?}: {error}"));
        }
    }
    assert!(steep.is_empty(), "{}", steep.join("\n"));
}

#[test]
fn of_random_shapes() {
    for format in [Format::Yaml, Format::Toml, Format::Json] {
        let texts = texts(format);
        let fragment = || mutate::fragment(&texts);
        let shape = (
            select(texts.clone()),
            any::<proptest::sample::Index>(),
            fragment(),
        );
        let shape = shape.prop_map(|(text, at, unit)| {
            let (before, after) = text.split_at(mutate::place(&text, at));
            let (before, after) = (before.to_owned(), after.to_owned());
            Shape {
                format,
                before,
                unit,
                after,
            }
        });
        let shape = shape.prop_filter("something to repeat", |shape| !shape.unit.is_empty());
        let outcome = runner(cases().div_ceil(16)).run(&shape, |shape| shape.check());
        outcome.unwrap_or_else(|error| panic!("{error}"));
    }
}
