//! How the oracle moves pegged orders: after each command it asks of every one where it should be.

use std::collections::BTreeSet;

use matching::command::{PlaceOrder, ReplaceOrder};
use matching::limit;
use matching::vocabulary::{OrderType, Side};

use super::entry::Begin;
use super::orders::{Order, side_text};
use super::text::{Object, decimal, uuid};
use super::{Instrument, Reference, id};

/// Type, offset and limit; zero: none.
pub type Peg = (OrderType, i64, u64);

pub fn is_pegged(order_type: OrderType) -> bool {
    [OrderType::PrimaryPeg, OrderType::MarketPeg, OrderType::MidpointPeg].contains(&order_type)
}

pub fn peg_text(order_type: OrderType) -> &'static str {
    match order_type {
        OrderType::PrimaryPeg => "PRIMARY_PEG",
        OrderType::MarketPeg => "MARKET_PEG",
        _ => "MIDPOINT_PEG",
    }
}

impl Instrument {
    pub(super) fn signed_price(&self, count: i64) -> String {
        decimal(i128::from(count) * i128::from(self.price_unit.0), self.price_unit.1)
    }
}

impl Order {
    /// The price at which a buy holds its lots.
    pub(super) fn held_at(&self) -> u64 {
        self.peg.map_or(self.price, |(_, _, limit)| limit)
    }
}

impl Reference {
    /// The best displayed price of a side, without pegs.
    fn leading(&self, at: usize, side: Side) -> Option<i128> {
        let orders = self.open.iter().map(|number| &self.orders[number]);
        let orders = orders.filter(|order| order.instrument == at && order.side == side && order.priority.is_some());
        let prices = orders.filter(|order| !order.hidden && order.peg.is_none()).map(|order| i128::from(order.price));
        if side == Side::Buy { prices.max() } else { prices.min() }
    }

    /// Where a peg wants to work.
    fn wanted(&self, at: usize, side: Side, (order_type, offset, limit): Peg) -> Option<u64> {
        let (bid, ask) = (self.leading(at, Side::Buy), self.leading(at, Side::Sell));
        let (own, other) = if side == Side::Buy { (bid, ask) } else { (ask, bid) };
        let reference = match order_type {
            OrderType::PrimaryPeg => own?,
            OrderType::MarketPeg => other?,
            _ => {
                let both = bid? + ask?;
                if side == Side::Buy { both / 2 } else { (both + 1) / 2 }
            }
        };
        let price = (reference + i128::from(offset)).max(1).min(self.instruments[at].max_price.into()) as u64;
        Some(match side {
            _ if limit == 0 => price,
            Side::Buy => price.min(limit),
            Side::Sell => price.max(limit),
        })
    }

    /// The same, one price unit before whatever it would meet.
    fn where_it_rests(&self, at: usize, side: Side, peg: Peg) -> Option<u64> {
        let wanted = self.wanted(at, side, peg)?;
        let met = self.best_opposite(at, side).map(|number| self.orders[&number].price);
        Some(match (met, side) {
            (Some(ask), Side::Buy) if wanted >= ask => ask - 1,
            (Some(bid), Side::Sell) if wanted <= bid => bid + 1,
            _ => wanted,
        })
    }

    pub(super) fn check_peg(&self, c: &PlaceOrder<'_>, at: usize) -> Result<Begin, &'static str> {
        let given = Some(c.price).filter(|price| c.side == Side::Buy || *price > 0);
        self.check_terms(at, c.quantity, given)?;
        if c.terms.minimum_quantity > c.quantity {
            return Err("invalid_minimum_quantity");
        }
        if c.terms.display_quantity >= c.quantity {
            return Err("invalid_display_quantity");
        }
        if i128::from(c.terms.offset).abs() > i128::from(self.instruments[at].max_price) {
            return Err("price_too_large");
        }
        let price = self.wanted(at, c.side, (c.order_type, c.terms.offset, c.price)).ok_or("no_reference")?;
        let valued = if c.side == Side::Buy { c.price } else { price };
        let worth = i128::from(valued) * i128::from(c.quantity) * self.instruments[at].worth;
        self.check_limits(at, c.account_id, Some(worth), c.quantity)?;
        let mine = self.open.iter().filter(|number| self.orders[number].account == c.account_id).count();
        if mine >= self.accounts[&c.account_id].open_max.unwrap_or(limit::OPEN_ORDERS_DEFAULT) as usize {
            return Err("open_orders_limit");
        }
        let (asset, hold) = self.instruments[at].hold(c.side, c.price, c.quantity);
        self.check_funds(c.account_id, c.side, asset, hold)?;
        Ok(Begin { price, quantity: c.quantity, cost: None })
    }

    /// Moves every peg of an instrument; whether anything has changed.
    pub(super) fn move_pegs(&mut self, at: usize) -> bool {
        let mut pegs: BTreeSet<(Side, Peg)> = BTreeSet::new();
        let mut lost = Vec::new();
        for number in &self.open {
            let order = &self.orders[number];
            let Some(peg) = order.peg.filter(|_| order.instrument == at) else { continue };
            pegs.insert((order.side, peg));
            if self.wanted(at, order.side, peg).is_none() {
                lost.push(*number);
            }
        }
        lost.sort_unstable();
        let mut changed = !lost.is_empty();
        for number in lost {
            self.end(number, "no_reference");
        }
        let mut groups: Vec<(bool, Side, Peg)> = Vec::new();
        for (side, peg) in pegs {
            let Some(wanted) = self.wanted(at, side, peg) else { continue };
            let nearer = |price: u64| if side == Side::Buy { wanted > price } else { wanted < price };
            let advances = self.members(at, side, peg).iter().any(|number| nearer(self.orders[number].price));
            groups.push((advances, side, peg));
        }
        groups.sort_unstable();
        for (_, side, peg) in groups {
            changed |= self.move_group(at, side, peg);
        }
        changed
    }

    fn members(&self, at: usize, side: Side, peg: Peg) -> Vec<u64> {
        let mut members = self.open.clone();
        members.retain(|number| {
            let order = &self.orders[number];
            order.instrument == at && order.side == side && order.peg == Some(peg)
        });
        members
    }

    fn move_group(&mut self, at: usize, side: Side, peg: Peg) -> bool {
        let Some(price) = self.where_it_rests(at, side, peg) else { return false };
        let mut moving = self.members(at, side, peg);
        moving.retain(|number| self.orders[number].price != price);
        moving.sort_unstable_by_key(|number| self.orders[number].priority);
        if moving.is_empty() {
            return false;
        }
        let first = self.instruments[at].priorities + 1;
        for number in &moving {
            let shown = self.orders[number].shown;
            self.orders.get_mut(number).unwrap().price = price;
            self.let_rest(*number);
            self.orders.get_mut(number).unwrap().shown = shown;
        }
        let instrument = &self.instruments[at];
        let orders: Vec<String> = moving.iter().map(|number| format!("\"{}\"", uuid("ordr", id(*number)))).collect();
        let data = Object::new()
            .id("instrument_id", "inst", id(at as u64 + 1))
            .text("symbol", &instrument.symbol)
            .text("side", side_text(side))
            .text("price", &instrument.price(price))
            .raw("priority", first)
            .list("orders", &orders);
        self.tell("PegsMoved", &uuid("inst", id(at as u64 + 1)), data);
        true
    }

    /// Price and limit of a pegged order's replacement.
    pub(super) fn check_peg_change(&self, c: &ReplaceOrder<'_>, order: &Order) -> Result<(u64, u64), &'static str> {
        let (order_type, offset, before) = order.peg.unwrap();
        let (quantity, limit) = (c.quantity.unwrap_or(order.quantity), c.price.unwrap_or(before));
        let given = c.price.or(Some(before).filter(|before| *before > 0));
        self.check_terms(order.instrument, quantity, given)?;
        if c.trigger_price.is_some() {
            return Err("invalid_trigger_price");
        }
        let executed = order.quantity - order.leaves;
        if quantity <= executed {
            return Err("quantity_below_executed");
        }
        let peg = (order_type, offset, limit);
        let price = self.where_it_rests(order.instrument, order.side, peg).ok_or("no_reference")?;
        let instrument = &self.instruments[order.instrument];
        let valued = if order.side == Side::Buy { limit } else { price };
        let worth = i128::from(valued) * i128::from(quantity) * instrument.worth;
        self.check_limits(order.instrument, c.account_id, Some(worth), quantity)?;
        let (asset, was) = instrument.hold(order.side, before, order.leaves);
        let (_, now) = instrument.hold(order.side, limit, quantity - executed);
        self.check_funds(c.account_id, order.side, asset, now - was)?;
        Ok((price, limit))
    }
}
