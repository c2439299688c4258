/// What a server of some version does differently from the others.
#[derive(Clone, Debug)]
pub struct Version {
    pub text: String,
    minor: u32,
}

/// How a request reaches the API: the `/vN` prefix decides about `force` and status codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    None,
    V(u8),
}

impl Version {
    pub fn parse(text: &str) -> Self {
        let minor = text
            .strip_prefix("1.")
            .and_then(|rest| rest.split('.').next())
            .and_then(|minor| minor.parse().ok())
            .unwrap_or_else(|| panic!("the fake knows versions 1.x.y, not `{text}`"));
        let text = text.to_owned();
        Self { text, minor }
    }

    pub fn at_least(&self, minor: u32) -> bool {
        self.minor >= minor
    }

    pub fn admin_api_range(&self) -> (u8, u8) {
        match self.minor {
            0..=1 => (1, 1),
            2..=4 => (1, 2),
            5 => (2, 2),
            6 => (2, 3),
            _ => (2, 4),
        }
    }

    /// 1.0 and 1.1 have no prefixes at all, not even `/v1`.
    pub fn has_prefixes(&self) -> bool {
        self.at_least(2)
    }

    /// `force` defaults to true, an existing URI is a 409, success is always 201 and PUT works:
    /// the behaviour of 1.5 and older, which newer servers keep under `/v2`.
    pub fn is_legacy(&self, prefix: Prefix) -> bool {
        !self.at_least(6) || matches!(prefix, Prefix::V(1 | 2))
    }

    pub fn protocol_range(&self) -> (u32, u32) {
        match self.minor {
            0..=4 => (1, 6),
            5..=6 => (5, 6),
            _ => (5, 7),
        }
    }
}
