//! Many commands in, encoded events out: what the binding hands over in one call.

use std::fmt;

use crate::Engine;
use crate::command::{Command, RECORD_SIZE, RecordError, Stamped};
use crate::event::{Aggregate, EventData, Events};
use crate::id::{UUID_LENGTH, entity_id};
use crate::limit::{COMMANDS_PER_BATCH_MAX, TEXTS_PER_BATCH_MAX};

/// One event as the log wants it; its data are bytes of the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which of the commands that were decided caused it, from 0.
    pub command: u32,
    /// Its type.
    pub event_type: &'static str,
    /// Its stream.
    pub aggregate: Aggregate,
    /// Its number in the stream.
    pub version: u64,
    /// Its id.
    pub event_id: [u8; UUID_LENGTH],
    /// Where its data begin.
    pub start: usize,
    /// Where its data end.
    pub end: usize,
    /// The account it is about.
    pub account_id: Option<u64>,
    /// The instrument it is about.
    pub instrument_id: Option<u64>,
}

/// The outcome of many commands.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Every event in order.
    pub rows: Vec<Row>,
    /// The data of all events, one after another.
    pub data: EventData,
    /// The stamp of each command that was decided, nanoseconds.
    pub stamps: Vec<u64>,
    /// Which record each of them is; none for one that was put in because it was due.
    pub given: Vec<Option<u32>>,
    events: Events,
}

/// Why bytes are not a batch; nothing was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchError {
    /// The length is not a multiple of the record's.
    Length(usize),
    /// More commands, or more bytes of texts, than a batch may have.
    TooLarge,
    /// A record is not a command.
    Record(usize, RecordError),
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(length) => write!(f, "{length} bytes are not a whole number of {RECORD_SIZE}-byte records"),
            Self::TooLarge => write!(
                f,
                "a batch has at most {COMMANDS_PER_BATCH_MAX} records and {TEXTS_PER_BATCH_MAX} bytes of texts"
            ),
            Self::Record(number, error) => write!(f, "record {number}: {error}"),
        }
    }
}

impl std::error::Error for BatchError {}

impl Batch {
    /// Reads all records, then applies them all. Malformed bytes are refused before anything is applied.
    pub fn execute(engine: &mut Engine, commands: &[u8], texts: &[u8]) -> Result<Self, BatchError> {
        let mut batch = Self::default();
        batch.execute_next(engine, commands, texts)?;
        Ok(batch)
    }

    /// The same in the memory of an outcome that is not needed any more; what is refused leaves it empty.
    pub fn execute_next(&mut self, engine: &mut Engine, commands: &[u8], texts: &[u8]) -> Result<(), BatchError> {
        self.clear();
        let (records, rest) = commands.as_chunks::<RECORD_SIZE>();
        if !rest.is_empty() {
            return Err(BatchError::Length(commands.len()));
        }
        if records.len() > COMMANDS_PER_BATCH_MAX || texts.len() > TEXTS_PER_BATCH_MAX {
            return Err(BatchError::TooLarge);
        }
        let decode = |(number, record)| Stamped::decode(record, texts).map_err(|e| BatchError::Record(number, e));
        let stamped: Vec<Stamped<'_>> = records.iter().enumerate().map(decode).collect::<Result<_, _>>()?;
        let mut numbers = 0..;
        for together in stamped.chunks(Engine::FORESEEN_MAX) {
            engine.foresee(together);
            for (command, number) in together.iter().zip(numbers.by_ref()) {
                if command.command != Command::FireDue {
                    self.fire(engine, command.stamp_ns.max(engine.last_stamp_ns()));
                }
                self.decide(engine, Some(number), command);
            }
        }
        Ok(())
    }

    /// Does what is due at or before a time, each thing at its own time.
    pub fn fire_due(engine: &mut Engine, until_ns: u64) -> Self {
        let mut batch = Self::default();
        batch.fire(engine, until_ns);
        batch
    }

    fn clear(&mut self) {
        self.rows.clear();
        self.data.clear();
        self.stamps.clear();
        self.given.clear();
    }

    fn fire(&mut self, engine: &mut Engine, until_ns: u64) {
        while let Some(stamp_ns) = engine.next_due_ns().filter(|due| *due <= until_ns) {
            self.decide(engine, None, &Stamped { stamp_ns, command: Command::FireDue });
        }
    }

    fn decide(&mut self, engine: &mut Engine, given: Option<u32>, command: &Stamped<'_>) {
        self.events.clear();
        let stamp = engine.apply(command, &mut self.events);
        self.append(engine);
        self.stamps.push(stamp);
        self.given.push(given);
    }

    fn append(&mut self, engine: &Engine) {
        for (index, event) in self.events.list.iter().enumerate() {
            let start = self.data.len();
            self.events.encode_into(&event.body, engine.catalog(), &mut self.data);
            let subject = event.subject();
            self.rows.push(Row {
                command: self.given.len() as u32,
                event_type: event.body.event_type(),
                aggregate: event.aggregate,
                version: event.version,
                event_id: engine.event_id(index as u32).render(),
                start,
                end: self.data.len(),
                account_id: subject.account_id,
                instrument_id: subject.instrument.map(|i| entity_id(engine.log_number(), u64::from(i.0) + 1)),
            });
        }
    }
}
