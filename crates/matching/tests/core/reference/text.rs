//! Texts of the oracle: JSON by concatenation, decimals by placing a point in digits.

use std::fmt::Display;

/// A JSON object in the order in which its fields come.
pub struct Object(Vec<String>);

impl Object {
    pub fn new() -> Self {
        Self(Vec::new())
    }

    pub fn raw(mut self, key: &str, value: impl Display) -> Self {
        self.0.push(format!("\"{key}\":{value}"));
        self
    }

    pub fn text(self, key: &str, value: &str) -> Self {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
        self.raw(key, format!("\"{escaped}\""))
    }

    pub fn id(self, key: &str, kind: &str, id: u64) -> Self {
        self.text(key, &uuid(kind, id))
    }

    pub fn optional(self, key: &str, value: Option<String>) -> Self {
        match value {
            Some(value) => self.text(key, &value),
            None => self.raw(key, "null"),
        }
    }

    /// A text that is left out where it is not.
    pub fn if_there(self, key: &str, value: Option<String>) -> Self {
        match value {
            Some(value) => self.text(key, &value),
            None => self,
        }
    }

    /// An object that is left out where it is empty.
    pub fn if_any(self, key: &str, value: Self) -> Self {
        if value.0.is_empty() { self } else { self.raw(key, value.finish()) }
    }

    pub fn list(self, key: &str, items: &[String]) -> Self {
        self.raw(key, format!("[{}]", items.join(",")))
    }

    pub fn finish(self) -> String {
        format!("{{{}}}", self.0.join(","))
    }
}

/// The text of an entity's id.
pub fn uuid(kind: &str, id: u64) -> String {
    let [a, b, c, d] = *kind.as_bytes() else { panic!("a kind has four letters") };
    format!("{a:02x}{b:02x}{c:02x}{d:02x}-{:04x}-8000-8000-{:012x}", id >> 48, id & 0xffff_ffff_ffff)
}

/// `digits / 10^scale` without superfluous zeros.
pub fn decimal(digits: i128, scale: u8) -> String {
    let sign = if digits < 0 { "-" } else { "" };
    let padded = format!("{:0>width$}", digits.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, fraction) = padded.split_at(padded.len() - usize::from(scale));
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// `digits / 10^scale` as a count of `10^-ledger_scale`, if that is whole.
pub fn whole(digits: i128, scale: u8, ledger_scale: u8) -> Option<i128> {
    let scaled = digits.checked_mul(10i128.pow(ledger_scale.into()))?;
    let divisor = 10i128.pow(scale.into());
    (scaled % divisor == 0).then(|| scaled / divisor)
}
