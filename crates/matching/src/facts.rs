//! Many events of a log in, as a cold start reads them: a line of text for each, and the data of all.

use std::fmt;

use crate::event::Events;
use crate::{Engine, Misfit};

/// Why a replay stopped; the engine is then useless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactsError {
    /// A line is not `event type, event id, version, bytes of data` with a space between; its number, from 0.
    Line(usize),
    /// The lines speak of more or fewer bytes of data than there are.
    Data,
    /// An event does not fit.
    Misfit {
        /// Its id and type.
        event: String,
        /// Why.
        misfit: Misfit,
    },
}

impl fmt::Display for FactsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(number) => write!(f, "line {number} is not `event_type event_id event_version data_bytes`"),
            Self::Data => f.write_str("the lines and the data differ in length"),
            Self::Misfit { event, misfit } => write!(f, "event {event}: {misfit}"),
        }
    }
}

impl std::error::Error for FactsError {}

struct Head<'a> {
    event_type: &'a str,
    event_id: &'a str,
    version: u64,
    length: usize,
}

impl<'a> Head<'a> {
    fn parse(line: &'a [u8]) -> Option<Self> {
        let mut words = std::str::from_utf8(line).ok()?.split(' ');
        let head = Self {
            event_type: words.next()?,
            event_id: words.next()?,
            version: words.next()?.parse().ok()?,
            length: words.next()?.parse().ok()?,
        };
        words.next().is_none().then_some(head)
    }
}

impl Engine {
    /// Replays events in log order. `heads` holds a line for each, without a newline at the end: event type, event id,
    /// version in its stream, bytes of data; `data` holds the data of all of them, one after another.
    pub fn evolve_facts(&mut self, heads: &[u8], mut data: &[u8], scratch: &mut Events) -> Result<(), FactsError> {
        let lines = heads.split(|byte| *byte == b'\n').enumerate();
        for (number, line) in lines.take_while(|_| !heads.is_empty()) {
            let head = Head::parse(line).ok_or(FactsError::Line(number))?;
            let (own, rest) = data.split_at_checked(head.length).ok_or(FactsError::Data)?;
            data = rest;
            self.evolve_row(head.event_type, head.event_id.as_bytes(), head.version, own, scratch).map_err(
                |misfit| FactsError::Misfit { event: format!("{} ({})", head.event_id, head.event_type), misfit },
            )?;
        }
        if data.is_empty() { Ok(()) } else { Err(FactsError::Data) }
    }
}
