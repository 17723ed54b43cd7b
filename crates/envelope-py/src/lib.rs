//! The event envelope in native code: checking what a writer hands over, and chaining it.
//!
//! Every event of the log passes both, on the one thread that everything waits for. The Python side stays the definition:
//! what is not plainly right here is judged there, and a log is verified by its code alone.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt, PyList, PyString, PyTuple, PyType};

use envelope::{HASHED_FIELDS, Writer};

mod size;

/// Events and bytes of a request whose every field is plainly right; None if Python must look.
#[pyfunction]
fn plain_size(
    commands: &Bound<'_, PyAny>,
    text_characters_max: usize,
    data_bytes_max: usize,
    command_events_max: usize,
) -> Option<(usize, usize)> {
    let limits = size::Limits {
        text_characters: text_characters_max,
        data_bytes: data_bytes_max,
        command_events: command_events_max,
    };
    limits.request(commands)
}

/// The events of `commands`, made by `make_event` from their fields in order, each chained to the one before.
///
/// The bytes that are hashed are those of hash version 1: see `kernel.event.hashed_bytes`.
#[pyfunction]
fn chain<'py>(
    py: Python<'py>,
    commands: &Bound<'py, PyAny>,
    make_event: &Bound<'py, PyType>,
    log: &Bound<'py, PyString>,
    mut position: u64,
    previous: [u8; 32],
    recorded_at_ns: &Bound<'py, PyInt>,
    hash_version: &Bound<'py, PyInt>,
) -> PyResult<Bound<'py, PyList>> {
    let events = PyList::empty(py);
    let mut writer = Writer::default();
    let mut hash = previous;
    for command in commands.try_iter()? {
        let command = command?;
        let own = command.getattr(intern!(py, "events"))?;
        let own = own.cast::<PyTuple>()?;
        let [correlation_id, causation_id, command_id, request_hash, traceparent] = [
            command.getattr(intern!(py, "correlation_id"))?,
            command.getattr(intern!(py, "causation_id"))?,
            command.getattr(intern!(py, "command_id"))?,
            command.getattr(intern!(py, "request_hash"))?,
            command.getattr(intern!(py, "traceparent"))?,
        ];
        let count = PyInt::new(py, own.len()).into_any();
        for (index, new) in own.iter().enumerate() {
            let own = own_fields(&new)?;
            let (position_here, index) = (PyInt::new(py, position), PyInt::new(py, index));
            let fields: [&Bound<'py, PyAny>; HASHED_FIELDS] = [
                log.as_any(),
                position_here.as_any(),
                &own[0],
                &own[1],
                &own[2],
                &own[3],
                &own[4],
                &own[5],
                &own[6],
                &own[7],
                &own[8],
                &own[9],
                &correlation_id,
                &causation_id,
                &command_id,
                index.as_any(),
                &count,
                &request_hash,
                &traceparent,
                &own[10],
                recorded_at_ns.as_any(),
                hash_version.as_any(),
            ];
            hash = hashed(&mut writer, &hash, &fields)?;
            let hash = PyBytes::new(py, &hash).into_any();
            let arguments: Vec<_> = fields.into_iter().chain([&hash]).collect();
            events.append(make_event.call1(PyTuple::new(py, arguments)?)?)?;
            position += 1;
        }
    }
    Ok(events)
}

/// What the writer made, in the order of the envelope.
fn own_fields<'py>(new: &Bound<'py, PyAny>) -> PyResult<[Bound<'py, PyAny>; 11]> {
    let py = new.py();
    Ok([
        new.getattr(intern!(py, "event_id"))?,
        new.getattr(intern!(py, "aggregate_id"))?,
        new.getattr(intern!(py, "aggregate_type"))?,
        new.getattr(intern!(py, "event_type"))?,
        new.getattr(intern!(py, "event_version"))?,
        new.getattr(intern!(py, "schema_version"))?,
        new.getattr(intern!(py, "event_data"))?,
        new.getattr(intern!(py, "account_id"))?,
        new.getattr(intern!(py, "instrument_id"))?,
        new.getattr(intern!(py, "user_id"))?,
        new.getattr(intern!(py, "occurred_at_ns"))?,
    ])
}

fn hashed(writer: &mut Writer, previous: &[u8; 32], fields: &[&Bound<'_, PyAny>; HASHED_FIELDS]) -> PyResult<[u8; 32]> {
    writer.begin(previous);
    for field in fields {
        write(writer, field)?;
    }
    Ok(writer.sha256())
}

fn write(writer: &mut Writer, field: &Bound<'_, PyAny>) -> PyResult<()> {
    if let Ok(text) = field.cast_exact::<PyString>() {
        writer.text(text.to_str()?);
    } else if let Ok(number) = field.cast_exact::<PyInt>() {
        writer.integer(number.extract()?);
    } else if let Ok(data) = field.cast_exact::<PyBytes>() {
        writer.data(data.as_bytes());
    } else if field.is_none() {
        writer.absent();
    } else {
        return Err(PyTypeError::new_err(format!("an event has no field such as {field:?}")));
    }
    if writer.is_too_long() {
        return Err(PyValueError::new_err("an event is longer than its bytes can say"));
    }
    Ok(())
}

#[pymodule]
mod _native {
    #[pymodule_export]
    use super::{chain, plain_size};
}
