//! How much a request is, if each of its fields has its type and keeps its limit.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt, PyString, PyTuple};

/// What an event takes beside its texts and data.
const EVENT_BYTES: usize = 64;
const DATA_BYTES_MIN: usize = 2;

/// The most of each, as `kernel.event` says.
pub struct Limits {
    pub text_characters: usize,
    pub data_bytes: usize,
    pub command_events: usize,
}

impl Limits {
    /// Events and bytes of all commands.
    pub fn request(&self, commands: &Bound<'_, PyAny>) -> Option<(usize, usize)> {
        let (mut events, mut bytes) = (0, 0);
        for command in commands.try_iter().ok()? {
            let (its_events, its_bytes) = self.command(&command.ok()?)?;
            events += its_events;
            bytes += its_bytes;
        }
        Some((events, bytes))
    }

    fn command(&self, command: &Bound<'_, PyAny>) -> Option<(usize, usize)> {
        let py = command.py();
        let events = command.getattr(intern!(py, "events")).ok()?;
        let events = events.cast_exact::<PyTuple>().ok()?;
        if events.is_empty() || events.len() > self.command_events {
            return None;
        }
        let mut bytes = self.text(command.getattr(intern!(py, "correlation_id")).ok()?)?;
        bytes += self.optional(command.getattr(intern!(py, "command_id")).ok()?)?;
        bytes += self.optional(command.getattr(intern!(py, "request_hash")).ok()?)?;
        bytes += self.optional(command.getattr(intern!(py, "causation_id")).ok()?)?;
        bytes += self.optional(command.getattr(intern!(py, "traceparent")).ok()?)?;
        for event in events.iter_borrowed() {
            bytes += self.event(&event)?;
        }
        Some((events.len(), bytes))
    }

    fn event(&self, event: &Bound<'_, PyAny>) -> Option<usize> {
        let py = event.py();
        let mut bytes = EVENT_BYTES;
        bytes += self.text(event.getattr(intern!(py, "event_id")).ok()?)?;
        bytes += self.text(event.getattr(intern!(py, "aggregate_id")).ok()?)?;
        bytes += self.text(event.getattr(intern!(py, "aggregate_type")).ok()?)?;
        bytes += self.text(event.getattr(intern!(py, "event_type")).ok()?)?;
        bytes += self.optional(event.getattr(intern!(py, "account_id")).ok()?)?;
        bytes += self.optional(event.getattr(intern!(py, "instrument_id")).ok()?)?;
        bytes += self.optional(event.getattr(intern!(py, "user_id")).ok()?)?;
        at_least(1, &event.getattr(intern!(py, "event_version")).ok()?)?;
        at_least(1, &event.getattr(intern!(py, "schema_version")).ok()?)?;
        at_least(0, &event.getattr(intern!(py, "occurred_at_ns")).ok()?)?;
        let data = event.getattr(intern!(py, "event_data")).ok()?;
        let length = data.cast_exact::<PyBytes>().ok()?.as_bytes().len();
        (DATA_BYTES_MIN..=self.data_bytes).contains(&length).then_some(bytes + length)
    }

    fn optional(&self, field: Bound<'_, PyAny>) -> Option<usize> {
        if field.is_none() { Some(0) } else { self.text(field) }
    }

    /// Bytes of a text that is neither empty nor too long; it has no more characters than bytes.
    #[allow(clippy::needless_pass_by_value)] // every caller has just got it
    fn text(&self, field: Bound<'_, PyAny>) -> Option<usize> {
        let bytes = field.cast_exact::<PyString>().ok()?.to_str().ok()?.len();
        (1..=self.text_characters).contains(&bytes).then_some(bytes)
    }
}

/// An integer of at most 63 bits.
fn at_least(least: i64, field: &Bound<'_, PyAny>) -> Option<()> {
    let number: i64 = field.cast_exact::<PyInt>().ok()?.extract().ok()?;
    (number >= least).then_some(())
}
