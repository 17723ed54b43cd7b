//! The benchmark's hand-made cases: a JSON object of messages and the reports they must cause.

use serde_json::Value;

use crate::message::{Message, kind_of, side_of};

/// A case.
#[derive(Clone, Debug)]
pub struct EdgeCase {
    /// What it is about.
    pub name: String,
    /// What comes in.
    pub messages: Vec<Message>,
    /// What must come out, joined by newlines.
    pub expected: String,
}

/// The cases of a file's text.
pub fn parse(text: &str) -> Result<Vec<EdgeCase>, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let cases = value.as_object().ok_or("expected an object of cases")?;
    cases.iter().map(|(name, case)| read_case(name, case).ok_or_else(|| format!("case {name}: unreadable"))).collect()
}

fn read_case(name: &str, case: &Value) -> Option<EdgeCase> {
    let messages = (0..).zip(case.get("messages")?.as_array()?);
    let messages = messages.map(|(seq, message)| read_message(seq, message)).collect::<Option<_>>()?;
    let lines = case.get("expected_reports")?.as_array()?.iter().map(Value::as_str).collect::<Option<Vec<_>>>()?;
    Some(EdgeCase { name: name.to_owned(), messages, expected: lines.join("\n") })
}

fn read_message(seq: u32, message: &Value) -> Option<Message> {
    let small = |name: &str| u32::try_from(message.get(name)?.as_u64()?).ok();
    Some(Message {
        order_id: message.get("order_id")?.as_u64()?,
        seq,
        price: small("price")?,
        quantity: small("qty")?,
        kind: kind_of(message.get("type")?.as_str()?)?,
        side: side_of(message.get("side")?.as_str()?)?,
        immediate: small("ioc")? == 1,
    })
}
