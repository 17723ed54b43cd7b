//! The order book on its own: one call a command, or many commands in one call.

use matching::book::{Allocation, SelfTrade};
use matching::limit::COMMANDS_PER_BATCH_MAX;
use matching::order_book::{COMMAND_SIZE, Command, NewOrder, OrderBook as Core, REPORT_SIZE, Report as Told};
use matching::vocabulary::{Side, TimeInForce};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMemoryView};

use crate::{LevelRow, value_error};

/// Id, price, lots left, owner.
type OrderRow = (u64, u64, u64, u32);

/// One thing that happened.
#[pyclass(frozen, get_all, eq)]
#[derive(Clone, PartialEq)]
pub struct Report {
    told: u8,
    why: u8,
    order_id: u64,
    taker_id: u64,
    price: u64,
    quantity: u64,
}

#[pymethods]
impl Report {
    fn __repr__(&self) -> String {
        let Self { told, why, order_id, taker_id, price, quantity } = self;
        format!(
            "Report(told={told}, why={why}, order_id={order_id}, taker_id={taker_id}, price={price}, \
             quantity={quantity})"
        )
    }
}

impl From<Told> for Report {
    fn from(told: Told) -> Self {
        let Told { told, why, order_id, taker_id, price, quantity } = told;
        Self { told: told as u8, why: why as u8, order_id, taker_id, price, quantity }
    }
}

/// One instrument's orders by price and time, without accounts.
#[pyclass]
pub struct OrderBook {
    book: Core,
}

#[pymethods]
impl OrderBook {
    #[new]
    #[pyo3(signature = (*, pro_rata_minimum=None, lead_owner=None, lead_share_ppm=None, self_trade=None))]
    fn new(
        pro_rata_minimum: Option<u64>,
        lead_owner: Option<u32>,
        lead_share_ppm: Option<u32>,
        self_trade: Option<u8>,
    ) -> PyResult<Self> {
        let allocation = match (pro_rata_minimum, lead_owner, lead_share_ppm) {
            (None, None, None) => Allocation::PriceTime,
            (Some(minimum), None, None) => Allocation::ProRata { minimum },
            (None, Some(owner), Some(share_ppm)) if share_ppm <= 1_000_000 => {
                Allocation::LeadMarketMaker { owner, share_ppm }
            }
            (None, Some(_), Some(share)) => {
                return Err(value_error(format!("a lead's share is at most 1,000,000 millionths, got {share}")));
            }
            _ => return Err(value_error("expected pro_rata_minimum, or lead_owner with lead_share_ppm, or neither")),
        };
        let self_trade = match self_trade {
            None => None,
            Some(1) => Some(SelfTrade::CancelNewest),
            Some(2) => Some(SelfTrade::CancelOldest),
            Some(3) => Some(SelfTrade::CancelBoth),
            Some(4) => Some(SelfTrade::Decrement),
            Some(other) => return Err(value_error(format!("expected a SelfTrade, 1 to 4, got {other}"))),
        };
        Ok(Self { book: Core::new(allocation, self_trade) })
    }

    #[pyo3(signature = (order_id, side, price, quantity, owner=0, time_in_force=0))]
    fn submit(
        &mut self,
        order_id: u64,
        side: u8,
        price: u64,
        quantity: u64,
        owner: u32,
        time_in_force: u8,
    ) -> PyResult<Vec<Report>> {
        let side = Side::from_byte(side).ok_or_else(|| value_error("expected a Side, 0 or 1"))?;
        let known = TimeInForce::from_byte(time_in_force)
            .filter(|word| matches!(word, TimeInForce::Gtc | TimeInForce::Ioc | TimeInForce::Fok));
        let time_in_force = known.ok_or_else(|| value_error("expected a TimeInForce: GTC, IOC or FOK"))?;
        if owner == u32::MAX {
            return Err(value_error("an owner is below 2^32 - 1"));
        }
        Ok(self.apply_one(&Command::Submit(NewOrder { order_id, side, time_in_force, price, quantity, owner })))
    }

    fn cancel(&mut self, order_id: u64) -> Vec<Report> {
        self.apply_one(&Command::Cancel { order_id })
    }

    fn reduce(&mut self, order_id: u64, by: u64) -> Vec<Report> {
        self.apply_one(&Command::Reduce { order_id, by })
    }

    #[pyo3(signature = (order_id, price=0, quantity=0))]
    fn replace(&mut self, order_id: u64, price: u64, quantity: u64) -> Vec<Report> {
        self.apply_one(&Command::Replace { order_id, price, quantity })
    }

    #[pyo3(signature = (order_id, lots, now=0))]
    fn show(&mut self, order_id: u64, lots: u64, now: u64) -> Vec<Report> {
        self.apply_one(&Command::Show { order_id, lots, now })
    }

    fn apply<'py>(&mut self, py: Python<'py>, commands: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
        // What has a layout of its own (a structured array) is copied: 32 KiB for a thousand commands.
        let commands = match commands.cast::<PyBytes>() {
            Ok(bytes) => bytes.clone(),
            Err(_) => PyMemoryView::from(commands)?.call_method0("tobytes")?.cast_into::<PyBytes>()?,
        };
        let bytes = commands.as_bytes();
        let book = &mut self.book;
        let reports = py.detach(|| apply_all(book, bytes)).map_err(value_error)?;
        Ok(PyBytes::new(py, &reports))
    }

    fn order(&self, order_id: u64) -> Option<OrderRow> {
        self.book.order(order_id).map(|order| (order.id, order.price, order.leaves, order.owner))
    }

    fn place_in_queue(&self, order_id: u64) -> Option<(u32, u64)> {
        self.book.place_in_queue(order_id).map(|place| (place.orders_ahead, place.quantity_ahead))
    }

    fn book(&self, depth: usize) -> (Vec<LevelRow>, Vec<LevelRow>) {
        let levels = |side| {
            let levels = self.book.depth(side).take(depth);
            levels.map(|level| (level.price, level.quantity, level.orders)).collect()
        };
        (levels(Side::Buy), levels(Side::Sell))
    }

    fn orders(&self) -> (Vec<OrderRow>, Vec<OrderRow>) {
        let rows =
            |side| self.book.queue(side).map(|order| (order.id, order.price, order.leaves, order.owner)).collect();
        (rows(Side::Buy), rows(Side::Sell))
    }

    fn snapshot<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &py.detach(|| self.book.snapshot()))
    }

    fn clear(&mut self) {
        self.book.clear();
    }

    fn __len__(&self) -> usize {
        self.book.len() as usize
    }

    fn __contains__(&self, order_id: u64) -> bool {
        self.book.order(order_id).is_some()
    }
}

impl OrderBook {
    #[inline]
    fn apply_one(&mut self, command: &Command) -> Vec<Report> {
        let mut reports = Vec::new();
        self.book.apply(command, &mut |told| reports.push(told.into()));
        reports
    }
}

/// Reads all records, then applies them all.
fn apply_all(book: &mut Core, commands: &[u8]) -> Result<Vec<u8>, String> {
    let (records, rest) = commands.as_chunks::<COMMAND_SIZE>();
    if !rest.is_empty() {
        return Err(format!("{} bytes are not a whole number of {COMMAND_SIZE}-byte commands", commands.len()));
    }
    if records.len() > COMMANDS_PER_BATCH_MAX {
        return Err(format!("a batch has at most {COMMANDS_PER_BATCH_MAX} commands, got {}", records.len()));
    }
    let decode = |(number, record)| Command::decode(record).map_err(|error| format!("command {number}: {error}"));
    let commands: Vec<Command> = records.iter().enumerate().map(decode).collect::<Result<_, _>>()?;
    let mut reports = Vec::with_capacity(commands.len() * REPORT_SIZE * 2);
    for (number, command) in (0..).zip(&commands) {
        book.apply(command, &mut |told| reports.extend_from_slice(&told.encode(number)));
    }
    Ok(reports)
}
