//! Reading what waits for a price.

use super::attributes::{Extra, read_attributes};
use super::{COUNTER_MAX, Kept, Reader, Result, SnapshotError, consistent};
use crate::Engine;
use crate::book::Order;
use crate::event::Instrument;
use crate::id;
use crate::limit;
use crate::trigger::{Triggers, Waiting, Wave};
use crate::vocabulary::{AccountKind, OrderType, Reference, Session, Side, TimeInForce, TriggerBy};

pub(super) fn read_triggers(r: &mut Reader<'_>, max_price: u64) -> Result<Triggers> {
    let mut triggers = Triggers::default();
    (triggers.last_trade, triggers.mark, triggers.next_armed) = (r.u64()?, r.u64()?, r.u64()?);
    let bounded = triggers.last_trade <= max_price && triggers.mark <= max_price;
    consistent(bounded && (1..COUNTER_MAX).contains(&triggers.next_armed), "a trigger's prices")?;
    for _ in 0..r.u32()? {
        let reference = r.word(Reference::from_byte, "a wave's reference")?;
        let wave = Wave { reference, low: r.u64()?, high: r.u64()?, armed_before: r.u64()? };
        let bounded = wave.low <= wave.high && wave.high <= limit::PRICE_MAX;
        consistent(bounded && wave.armed_before <= triggers.next_armed, "a wave")?;
        triggers.waves.push_back(wave);
    }
    Ok(triggers)
}

/// The orders of a market that wait, by their numbers.
pub(super) fn read_waiting(r: &mut Reader<'_>, engine: &mut Engine, index: u32, next_order: u64) -> Result<Vec<Kept>> {
    let mut kept: Vec<Kept> = Vec::new();
    let mut armed = std::collections::BTreeSet::new();
    for _ in 0..r.u32()? {
        let (order, waiting, extra) = read_order(r, engine, Instrument(index))?;
        let number = id::sequence_in(engine.log_number, order.id).filter(|number| (1..next_order).contains(number));
        let number = number.ok_or(SnapshotError::Inconsistent("an order id"))?;
        consistent(kept.last().is_none_or(|last| last.number < number), "the order of waiting orders")?;
        consistent(armed.insert(waiting.armed), "when an order began to wait")?;
        let owner = order.owner;
        let slot = engine.markets[index as usize].add_waiting(
            order,
            extra.display,
            waiting,
            extra.attributes,
            &mut engine.timers,
        );
        kept.push(Kept { instrument: index, slot, number, owner, cum_notional: 0 });
    }
    Ok(kept)
}

fn read_order(r: &mut Reader<'_>, engine: &Engine, instrument: Instrument) -> Result<(Order, Waiting, Extra)> {
    let market = &engine.markets[instrument.0 as usize];
    let terms = engine.catalog.instrument(instrument).ok_or(SnapshotError::Inconsistent("an instrument"))?;
    let (order_id, owner) = (r.u64()?, r.u32()?);
    let side = r.word(Side::from_byte, "a side")?;
    let time_in_force = r.word(TimeInForce::from_byte, "a time in force")?;
    let extra = read_attributes(r, side, time_in_force)?;
    consistent(extra.attributes.peg.is_none() && !extra.attributes.market, "a peg or a market order that waits")?;
    let (price, quantity, version) = (r.u64()?, r.u64()?, r.u32()?);
    let waiting = Waiting {
        order_type: r.word(OrderType::from_byte, "an order type")?,
        trigger_by: r.word(TriggerBy::from_byte, "a trigger method")?,
        trigger_price: r.u64()?,
        armed: r.u64()?,
        all_or_none: r.word(|byte| [false, true].get(usize::from(byte)).copied(), "all-or-none")?,
        minimum_quantity: r.u64()?,
    };
    let kind = engine.accounts.list().get(owner as usize).map(|account| account.kind);
    consistent(matches!(kind, Some(AccountKind::Customer | AccountKind::House)), "an order's account")?;
    let prices = [price, waiting.trigger_price].into_iter().all(|price| (1..=terms.max_price).contains(&price));
    let sized = (1..=terms.max_quantity).contains(&quantity) && waiting.minimum_quantity <= quantity;
    consistent(prices && sized && (1..1 << 31).contains(&version), "an order's terms")?;
    let known = waiting.order_type.waits() && (1..market.triggers.next_armed).contains(&waiting.armed);
    consistent(known && !(waiting.all_or_none && waiting.minimum_quantity > 0), "what an order waits for")?;
    consistent(market.book.len() < limit::ORDERS_PER_INSTRUMENT_MAX, "the number of orders")?;
    let after_hours = market.session == Session::Closed && time_in_force == TimeInForce::Day;
    consistent(!after_hours, "a day order after hours")?;
    let mut order = Order::new(order_id, side, time_in_force, price, quantity, owner);
    order.version = version;
    let may_rest = !waiting.order_type.is_market() && !time_in_force.is_immediate();
    consistent(may_rest || !extra.hidden && extra.display == 0, "what is displayed")?;
    if extra.hidden {
        order.hide();
    }
    Ok((order, waiting, extra))
}
