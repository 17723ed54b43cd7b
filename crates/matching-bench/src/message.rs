//! The public benchmark's messages and their file: `seq,type,side,ioc,qty,order_id,price_ticks`, plain or gzipped.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use matching::vocabulary::Side;

/// First line of a file.
pub const HEADER: &str = "seq,type,side,ioc,qty,order_id,price_ticks";
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// What a message asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Enter an order.
    New,
    /// End an order.
    Cancel,
    /// End an order and enter it again at the end of a queue.
    Modify,
}

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// The order it is about.
    pub order_id: u64,
    /// Its number.
    pub seq: u32,
    /// Limit price, ticks.
    pub price: u32,
    /// Quantity of a new order, remaining quantity of a modified one.
    pub quantity: u32,
    /// What it asks for.
    pub kind: Kind,
    /// Side of a new order; the others keep theirs.
    pub side: Side,
    /// What does not trade at once is canceled.
    pub immediate: bool,
}

/// Why a file of messages cannot be read.
#[derive(Debug)]
pub enum Unreadable {
    /// The file itself.
    File(io::Error),
    /// A line, counted from 1, and what is wrong with it.
    Line(usize, String),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => write!(f, "{error}"),
            Self::Line(number, what) => write!(f, "line {number}: {what}"),
        }
    }
}

impl std::error::Error for Unreadable {}

/// The messages of a file.
pub fn read_file(path: &Path) -> Result<Vec<Message>, Unreadable> {
    parse(&read_text(path).map_err(Unreadable::File)?)
}

/// A file's text, unpacked if it is gzipped.
pub fn read_text(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.read_to_end(&mut bytes)?;
    let mut text = String::new();
    if bytes.starts_with(&GZIP_MAGIC) {
        MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text)?;
    } else {
        bytes.as_slice().read_to_string(&mut text)?;
    }
    Ok(text)
}

/// The messages of a text with a header.
pub fn parse(text: &str) -> Result<Vec<Message>, Unreadable> {
    let mut lines = (1..).zip(text.lines());
    match lines.next() {
        Some((_, HEADER)) => {}
        other => {
            let found = other.map_or("nothing", |(_, line)| line);
            return Err(Unreadable::Line(1, format!("expected the header {HEADER}, found {found}")));
        }
    }
    let mut messages = Vec::new();
    for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
        let message: Message = parse_line(line).map_err(|what| Unreadable::Line(number, what))?;
        if messages.last().is_some_and(|last: &Message| last.seq >= message.seq) {
            return Err(Unreadable::Line(number, format!("seq {} is not after the one before", message.seq)));
        }
        messages.push(message);
    }
    Ok(messages)
}

fn parse_line(line: &str) -> Result<Message, String> {
    let mut fields = [""; 7];
    let mut given = line.split(',');
    for (field, name) in fields.iter_mut().zip(HEADER.split(',')) {
        *field = given.next().ok_or_else(|| format!("{name} is missing"))?;
    }
    if let Some(extra) = given.next() {
        return Err(format!("expected 7 fields, found another: {extra}"));
    }
    let [seq, kind, side, immediate, quantity, order_id, price] = fields;
    let kind = kind_of(kind).ok_or_else(|| format!("type: expected NEW, CANCEL or MODIFY, found {kind}"))?;
    let message = Message {
        order_id: number(order_id, "order_id")?,
        seq: number(seq, "seq")?,
        price: number(price, "price_ticks")?,
        quantity: number(quantity, "qty")?,
        kind,
        side: side_of(side).ok_or_else(|| format!("side: expected B or S, found {side}"))?,
        immediate: match immediate {
            "0" => false,
            "1" => true,
            other => return Err(format!("ioc: expected 0 or 1, found {other}")),
        },
    };
    if kind != Kind::Cancel && message.quantity == 0 {
        return Err("qty: an order needs at least 1".to_owned());
    }
    Ok(message)
}

fn number<T: std::str::FromStr>(text: &str, name: &str) -> Result<T, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let parsed = digits.then(|| text.parse().ok()).flatten();
    parsed.ok_or_else(|| format!("{name}: expected a whole number in {} bytes, found {text}", size_of::<T>()))
}

/// The kind of a word.
pub fn kind_of(word: &str) -> Option<Kind> {
    match word {
        "NEW" => Some(Kind::New),
        "CANCEL" => Some(Kind::Cancel),
        "MODIFY" => Some(Kind::Modify),
        _ => None,
    }
}

/// The side of a letter.
pub fn side_of(letter: &str) -> Option<Side> {
    match letter {
        "B" => Some(Side::Buy),
        "S" => Some(Side::Sell),
        _ => None,
    }
}

/// The text of messages, as a file has it.
pub fn text_of(messages: &[Message]) -> String {
    use fmt::Write as _;
    let mut text = format!("{HEADER}\n");
    for m in messages {
        let kind = match m.kind {
            Kind::New => "NEW",
            Kind::Cancel => "CANCEL",
            Kind::Modify => "MODIFY",
        };
        let side = if m.side == Side::Buy { 'B' } else { 'S' };
        let immediate = u8::from(m.immediate);
        let _ = writeln!(text, "{},{kind},{side},{immediate},{},{},{}", m.seq, m.quantity, m.order_id, m.price);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let text = format!("{HEADER}\n0,NEW,B,1,75,1773,33497\n3,MODIFY,S,0,9,18446744073709551615,4294967295\n");
        let messages = parse(&text).expect("a readable text");
        assert_eq!(text_of(&messages), text);
    }

    #[test]
    fn a_line_that_is_wrong_says_where_and_what() {
        for (line, expected) in [
            ("0,NEW,B,0,1,1", "line 2: price_ticks is missing"),
            ("0,NEW,B,0,1,1,1,1", "line 2: expected 7 fields, found another: 1"),
            ("0,TAKE,B,0,1,1,1", "line 2: type: expected NEW, CANCEL or MODIFY, found TAKE"),
            ("0,NEW,X,0,1,1,1", "line 2: side: expected B or S, found X"),
            ("0,NEW,B,2,1,1,1", "line 2: ioc: expected 0 or 1, found 2"),
            ("0,NEW,B,0,0,1,1", "line 2: qty: an order needs at least 1"),
            ("0,NEW,B,0,1,-1,1", "line 2: order_id: expected a whole number in 8 bytes, found -1"),
            ("4294967296,NEW,B,0,1,1,1", "line 2: seq: expected a whole number in 4 bytes, found 4294967296"),
            ("0,NEW,B,0,1,1,1\n0,NEW,B,0,1,1,1", "line 3: seq 0 is not after the one before"),
        ] {
            let error = parse(&format!("{HEADER}\n{line}\n")).expect_err(line);
            assert_eq!(error.to_string(), expected);
        }
        let headless = parse("0,NEW,B,0,1,1,1\n").expect_err("no header");
        assert!(headless.to_string().starts_with("line 1: expected the header"), "{headless}");
    }
}
