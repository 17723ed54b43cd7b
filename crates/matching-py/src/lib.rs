//! `matching._native`: converts and releases the GIL; no rule lives here.

mod order_book;
mod replay;

use std::path::PathBuf;

use matching::batch::Batch as Outcome;
use matching::event::Events;
use matching::id::{self, EntityKind};
use matching::number::{Unit, write_decimal};
use matching::vocabulary::Side;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt, PyList, PyString, PyTuple};

/// One event for the log: command number in the batch, event type, aggregate type, aggregate id, aggregate version,
/// event id, event data, account id, instrument id.
type EventRow<'py> = Bound<'py, PyTuple>;
/// Price, quantity and number of orders of a level.
type LevelRow = (u64, u64, u32);

fn value_error(error: impl std::fmt::Display) -> PyErr {
    PyValueError::new_err(error.to_string())
}

fn decimal(count: u64, unit: Unit) -> String {
    let mut text = Vec::new();
    write_decimal(&mut text, i128::from(count), unit);
    String::from_utf8_lossy(&text).into_owned()
}

/// The outcome of one batch.
#[pyclass(frozen)]
struct Batch {
    outcome: Outcome,
}

#[pymethods]
impl Batch {
    #[getter]
    fn events<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let rows = self.outcome.rows.iter().map(|row| event_row(py, &self.outcome, row));
        PyList::new(py, rows.collect::<PyResult<Vec<EventRow<'py>>>>()?)
    }

    fn make_events<'py>(
        &self,
        py: Python<'py>,
        make: &Bound<'py, PyAny>,
        users: &Bound<'py, PyList>,
    ) -> PyResult<Bound<'py, PyList>> {
        let outcome = &self.outcome;
        let given = outcome.given.iter().flatten().count();
        if users.len() != given {
            let told = format!("expected a user or None for each of {given} commands, got {}", users.len());
            return Err(PyValueError::new_err(told));
        }
        let mut rows = outcome.rows.iter().peekable();
        let mut users = users.iter();
        let users = outcome.given.iter().map(|given| given.and_then(|_| users.next()));
        let commands = users.zip(&outcome.stamps).zip(0..).map(|((user, stamp), command)| {
            let user = user.unwrap_or_else(|| py.None().into_bound(py));
            let own = std::iter::from_fn(|| rows.next_if(|row| row.command == command));
            let events = own.map(|row| {
                let [_, event_type, aggregate_type, aggregate_id, version, event_id, data, account, instrument] =
                    event_items(py, outcome, row);
                make.call1((
                    event_id,
                    aggregate_id,
                    aggregate_type,
                    event_type,
                    version,
                    data,
                    stamp,
                    account,
                    instrument,
                    &user,
                ))
            });
            PyTuple::new(py, events.collect::<PyResult<Vec<_>>>()?)
        });
        PyList::new(py, commands.collect::<PyResult<Vec<_>>>()?)
    }

    fn lines<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &py.detach(|| replay::lines(&self.outcome)))
    }

    #[getter]
    fn given(&self) -> Vec<Option<u32>> {
        self.outcome.given.clone()
    }

    #[getter]
    fn stamps(&self) -> Vec<u64> {
        self.outcome.stamps.clone()
    }
}

fn event_row<'py>(py: Python<'py>, outcome: &Outcome, row: &matching::batch::Row) -> PyResult<EventRow<'py>> {
    PyTuple::new(py, event_items(py, outcome, row))
}

fn event_items<'py>(py: Python<'py>, outcome: &Outcome, row: &matching::batch::Row) -> [Bound<'py, PyAny>; 9] {
    let uuid = |kind, id| ascii(py, &id::render(kind, id));
    let optional = |kind, id: Option<u64>| match id {
        Some(id) => uuid(kind, id).into_any(),
        None => py.None().into_bound(py),
    };
    [
        PyInt::new(py, row.command).into_any(),
        PyString::intern(py, row.event_type).into_any(),
        PyString::intern(py, row.aggregate.type_name()).into_any(),
        uuid(row.aggregate.kind, row.aggregate.id).into_any(),
        PyInt::new(py, row.version).into_any(),
        ascii(py, &row.event_id).into_any(),
        PyBytes::new(py, &outcome.data[row.start..row.end]).into_any(),
        optional(EntityKind::Account, row.account_id),
        optional(EntityKind::Instrument, row.instrument_id),
    ]
}

fn ascii<'py>(py: Python<'py>, text: &[u8]) -> Bound<'py, PyString> {
    PyString::new(py, std::str::from_utf8(text).unwrap_or_default())
}

/// A listed asset.
#[pyclass(frozen, get_all)]
struct Asset {
    id: u64,
    symbol: String,
    scale: u8,
    kind: &'static str,
}

/// A listed instrument; decimals as canonical strings.
#[pyclass(frozen, get_all)]
struct Instrument {
    id: u64,
    symbol: String,
    base: String,
    quote: String,
    price_unit: String,
    lot_unit: String,
    max_price: String,
    max_quantity: String,
    protection: String,
    calendar: String,
    clearing_account_id: u64,
    session: &'static str,
}

/// All books and accounts of one log.
#[pyclass]
struct Engine {
    engine: matching::Engine,
    scratch: Events,
}

#[pymethods]
impl Engine {
    #[new]
    fn new(log_number: u16) -> PyResult<Self> {
        let engine = matching::Engine::new(log_number).map_err(value_error)?;
        Ok(Self { engine, scratch: Events::default() })
    }

    #[staticmethod]
    fn restore(py: Python<'_>, data: &[u8]) -> PyResult<Self> {
        let engine = py.detach(|| matching::Engine::restore(data)).map_err(value_error)?;
        Ok(Self { engine, scratch: Events::default() })
    }

    #[staticmethod]
    #[pyo3(signature = (path, log_number=1))]
    #[allow(clippy::needless_pass_by_value)] // Python hands it over
    fn replay(py: Python<'_>, path: PathBuf, log_number: u16) -> PyResult<Self> {
        let mut replayed = Self::new(log_number)?;
        py.detach(|| replay::replay(&mut replayed.engine, &path))?;
        Ok(replayed)
    }

    fn execute(&mut self, py: Python<'_>, commands: &[u8], texts: &[u8]) -> PyResult<Batch> {
        let engine = &mut self.engine;
        let outcome = py.detach(|| Outcome::execute(engine, commands, texts)).map_err(value_error)?;
        Ok(Batch { outcome })
    }

    fn fire_due(&mut self, py: Python<'_>, until_ns: u64) -> Batch {
        let engine = &mut self.engine;
        Batch { outcome: py.detach(|| Outcome::fire_due(engine, until_ns)) }
    }

    #[getter]
    fn next_due_ns(&self) -> Option<u64> {
        self.engine.next_due_ns()
    }

    fn evolve(&mut self, rows: &Bound<'_, PyAny>) -> PyResult<()> {
        for row in rows.try_iter()? {
            let row = row?;
            let row = row.cast::<PyTuple>()?;
            let (event_type, event_id) = (row.get_borrowed_item(0)?, row.get_borrowed_item(1)?);
            let (version, data) = (row.get_borrowed_item(2)?, row.get_borrowed_item(3)?);
            let event_type = event_type.cast::<PyString>()?;
            let event_type = event_type.to_str()?;
            let event_id = event_id.cast::<PyString>()?;
            let event_id = event_id.to_str()?;
            let data = data.cast::<PyBytes>()?;
            let data = data.as_bytes();
            self.engine
                .evolve_row(event_type, event_id.as_bytes(), version.extract()?, data, &mut self.scratch)
                .map_err(|misfit| PyValueError::new_err(format!("event {event_id} ({event_type}): {misfit}")))?;
        }
        Ok(())
    }

    fn evolve_facts(&mut self, py: Python<'_>, heads: &[u8], data: &[u8]) -> PyResult<()> {
        let Self { engine, scratch } = self;
        py.detach(|| engine.evolve_facts(heads, data, scratch)).map_err(value_error)
    }

    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = py.detach(|| self.engine.snapshot()).map_err(value_error)?;
        Ok(PyBytes::new(py, &bytes))
    }

    fn state_hash(&self, py: Python<'_>) -> PyResult<String> {
        py.detach(|| self.engine.state_hash()).map_err(value_error)
    }

    #[getter]
    fn log_number(&self) -> u16 {
        self.engine.log_number()
    }

    #[getter]
    fn command_sequence(&self) -> u64 {
        self.engine.command_sequence()
    }

    #[getter]
    fn last_stamp_ns(&self) -> u64 {
        self.engine.last_stamp_ns()
    }

    fn book(&self, instrument_id: u64, depth: usize) -> PyResult<(Vec<LevelRow>, Vec<LevelRow>)> {
        let market = self
            .engine
            .market(instrument_id)
            .ok_or_else(|| PyValueError::new_err(format!("no instrument has the id {instrument_id}")))?;
        let levels = |side| {
            let depths = market.book.depth(side).take(depth);
            depths.map(|level| (level.price, level.quantity, level.orders)).collect()
        };
        Ok((levels(Side::Buy), levels(Side::Sell)))
    }

    fn instruments(&self) -> Vec<Instrument> {
        let catalog = self.engine.catalog();
        let symbol_of = |asset| catalog.asset(asset).map_or_else(String::new, |terms| terms.symbol.clone());
        catalog
            .instruments()
            .iter()
            .zip(self.engine.markets())
            .zip(1..)
            .map(|((terms, market), sequence)| Instrument {
                id: id::entity_id(self.engine.log_number(), sequence),
                symbol: terms.symbol.clone(),
                base: symbol_of(terms.base),
                quote: symbol_of(terms.quote),
                price_unit: decimal(1, terms.price_unit),
                lot_unit: decimal(1, terms.lot_unit),
                max_price: decimal(terms.max_price, terms.price_unit),
                max_quantity: decimal(terms.max_quantity, terms.lot_unit),
                protection: decimal(u64::from(terms.protection_ppm), Unit::ledger(6)),
                calendar: terms.calendar.clone(),
                clearing_account_id: self.engine.accounts().id_of(terms.clearing).0,
                session: market.session.text(),
            })
            .collect()
    }

    fn assets(&self) -> Vec<Asset> {
        let listed = self.engine.catalog().assets().iter().zip(1..);
        listed
            .map(|(terms, sequence)| Asset {
                id: id::entity_id(self.engine.log_number(), sequence),
                symbol: terms.symbol.clone(),
                scale: terms.scale,
                kind: terms.kind.text(),
            })
            .collect()
    }

    fn instrument_of(&self, order_id: u64) -> Option<u64> {
        self.engine.instrument_of(order_id)
    }

    fn unfinished_closes(&self) -> Vec<&str> {
        self.engine.unfinished_closes().collect()
    }

    fn account_exists(&self, account_id: u64) -> bool {
        self.engine.accounts().find(account_id).is_some()
    }

    /// What an account has: asset, balance and hold in ledger units.
    fn holdings(&self, account_id: u64) -> Vec<(String, i128, i128)> {
        let catalog = self.engine.catalog();
        let Some(index) = self.engine.accounts().find(account_id) else { return Vec::new() };
        let symbol_of = |asset| catalog.asset(asset).map_or_else(String::new, |terms| terms.symbol.clone());
        let holdings = self.engine.accounts().get(index).holdings();
        holdings.map(|holding| (symbol_of(holding.asset), holding.balance, holding.hold)).collect()
    }
}

#[pymodule]
mod _native {
    #[pymodule_export]
    use super::{Asset, Batch, Engine, Instrument};
    #[pymodule_export]
    use crate::order_book::{OrderBook, Report};

    #[pymodule_export]
    const STATE_SCHEMA: u16 = matching::snapshot::STATE_SCHEMA;

    #[pymodule_export]
    const CANCELS_PER_COMMAND_MAX: u32 = matching::limit::CANCELS_PER_COMMAND_MAX;
}
