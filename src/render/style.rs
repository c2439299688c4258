//! Colours, which never carry meaning of their own.

use anstyle::{AnsiColor, Style as Ansi};

#[derive(Debug, Clone, Copy)]
pub struct Style {
    pub colored: bool,
}

impl Style {
    pub fn new(colored: bool) -> Self {
        Self { colored }
    }

    fn paint(self, text: &str, style: Ansi) -> String {
        if self.colored {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    pub fn added(self, text: &str) -> String {
        self.paint(text, AnsiColor::Green.on_default())
    }

    pub fn removed(self, text: &str) -> String {
        self.paint(text, AnsiColor::Red.on_default())
    }

    pub fn changed(self, text: &str) -> String {
        self.paint(text, AnsiColor::Yellow.on_default())
    }

    pub fn warning(self, text: &str) -> String {
        self.paint(text, AnsiColor::Yellow.on_default().bold())
    }

    pub fn error(self, text: &str) -> String {
        self.paint(text, AnsiColor::Red.on_default().bold())
    }

    pub fn strong(self, text: &str) -> String {
        self.paint(text, Ansi::new().bold())
    }

    pub fn dim(self, text: &str) -> String {
        self.paint(text, Ansi::new().dimmed())
    }
}
