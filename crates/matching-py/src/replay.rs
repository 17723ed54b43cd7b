//! Events as lines of a file: `event_type event_id event_version event_data`, the data as canonical JSON.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use matching::Engine;
use matching::batch::Batch;
use matching::event::Events;
use pyo3::PyResult;

use crate::value_error;

/// The events of a batch, one a line.
pub fn lines(batch: &Batch) -> Vec<u8> {
    let mut out = Vec::with_capacity(batch.data.len() + batch.rows.len() * 64);
    for row in &batch.rows {
        out.extend_from_slice(row.event_type.as_bytes());
        out.push(b' ');
        out.extend_from_slice(&row.event_id);
        out.extend_from_slice(format!(" {} ", row.version).as_bytes());
        out.extend_from_slice(&batch.data[row.start..row.end]);
        out.push(b'\n');
    }
    out
}

/// Folds every line of a file into an empty engine; an error names the line.
pub fn replay(engine: &mut Engine, path: &Path) -> PyResult<()> {
    let opened =
        File::open(path).map_err(|error| std::io::Error::new(error.kind(), format!("{}: {error}", path.display())));
    let mut file = BufReader::new(opened?);
    let (mut line, mut events) = (Vec::new(), Events::default());
    for number in 1.. {
        line.clear();
        if file.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let told = |error: String| value_error(format!("{}, line {number}: {error}", path.display()));
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let (event_type, event_id, version, data) =
            fields(text).ok_or_else(|| told("expected `event_type event_id event_version event_data`".to_owned()))?;
        engine
            .evolve_row(event_type, event_id, version, data, &mut events)
            .map_err(|misfit| told(misfit.to_string()))?;
    }
    Ok(())
}

fn fields(line: &[u8]) -> Option<(&str, &[u8], u64, &[u8])> {
    let mut parts = line.splitn(4, |byte| *byte == b' ');
    let (event_type, event_id, version, data) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let version = std::str::from_utf8(version).ok()?.parse().ok()?;
    Some((std::str::from_utf8(event_type).ok()?, event_id, version, data))
}
