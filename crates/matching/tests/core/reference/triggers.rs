//! How the oracle triggers orders: it looks at every order that waits, again and again.

use matching::command::{PlaceOrder, ReplaceOrder, SetMarkPrice};
use matching::vocabulary::{OrderType, Side, TriggerBy};

use super::orders::side_text;
use super::pegs::is_pegged;
use super::text::{Object, uuid};
use super::{Instrument, Order, Reference, Refused, id, venue};

#[derive(Clone)]
pub struct Wait {
    pub order_type: OrderType,
    pub by: TriggerBy,
    pub price: u64,
    pub armed: u64,
    pub whole: bool,
    pub least: u64,
}

/// Which price it was, its lowest and highest, and how many orders had begun to wait.
#[derive(Clone)]
pub struct Wave(&'static str, u64, u64, u64);

pub fn is_market(order_type: OrderType) -> bool {
    [OrderType::Market, OrderType::Stop, OrderType::MarketIfTouched].contains(&order_type)
}

pub fn waits(order_type: OrderType) -> bool {
    let at_once = [OrderType::Limit, OrderType::Market, OrderType::MarketToLimit];
    !at_once.contains(&order_type) && !is_pegged(order_type)
}

fn looks_at(order: &Order, wait: &Wait) -> &'static str {
    match wait.by {
        TriggerBy::Last => "LAST",
        TriggerBy::Mark => "MARK",
        TriggerBy::BidAsk if order.side == Side::Buy => "ASK",
        TriggerBy::BidAsk => "BID",
    }
}

/// A buy stop and a sell that is to be touched wait for a rise.
fn waits_for_rise(order: &Order, wait: &Wait) -> bool {
    let stop = wait.order_type == OrderType::Stop || wait.order_type == OrderType::StopLimit;
    if order.side == Side::Buy { stop } else { !stop }
}

impl Reference {
    pub(super) fn wait_for(&mut self, c: &PlaceOrder<'_>, number: u64) {
        let order = self.orders.get_mut(&number).unwrap();
        let instrument = &mut self.instruments[order.instrument];
        instrument.armed += 1;
        let wait = Wait {
            order_type: c.order_type,
            by: c.terms.trigger_by.unwrap(),
            price: c.terms.trigger_price,
            armed: instrument.armed,
            whole: c.terms.all_or_none,
            least: c.terms.minimum_quantity,
        };
        order.waiting = Some(wait);
        let at = order.instrument;
        self.look_at(at, c.terms.trigger_by.unwrap());
    }

    /// What a new order waits for may have been there before it.
    fn look_at(&mut self, instrument: usize, by: TriggerBy) {
        if !self.is_trading(instrument) {
            return;
        }
        let Instrument { last_trade, mark, .. } = self.instruments[instrument];
        match by {
            TriggerBy::Last if last_trade > 0 => self.pass(instrument, "LAST", last_trade, last_trade),
            TriggerBy::Mark if mark > 0 => self.pass(instrument, "MARK", mark, mark),
            _ => {}
        }
    }

    pub(super) fn pass(&mut self, instrument: usize, reference: &'static str, low: u64, high: u64) {
        let instrument = &mut self.instruments[instrument];
        instrument.waves.push(Wave(reference, low, high, instrument.armed));
    }

    pub(super) fn opened(&mut self, instrument: usize) {
        self.look_at(instrument, TriggerBy::Last);
        self.look_at(instrument, TriggerBy::Mark);
    }

    pub(super) fn set_mark_price(&mut self, c: &SetMarkPrice) -> Result<(), Refused> {
        let Some(at) = self.instrument(c.instrument_id) else { return venue("unknown_instrument") };
        let aggregate = uuid("inst", c.instrument_id);
        if c.price == 0 {
            return Err(("invalid_price", aggregate));
        }
        if c.price > self.instruments[at].max_price {
            return Err(("price_too_large", aggregate));
        }
        self.instruments[at].mark = c.price;
        if self.is_trading(at) {
            self.pass(at, "MARK", c.price, c.price);
        }
        let data = Object::new()
            .id("instrument_id", "inst", c.instrument_id)
            .text("symbol", &self.instruments[at].symbol)
            .text("price", &self.instruments[at].price(c.price));
        self.tell("MarkPriceChanged", &aggregate, data);
        Ok(())
    }

    /// After a command: one order after another, until no price has reached any.
    pub(super) fn cascade(&mut self) {
        for at in 0..self.instruments.len() {
            while self.is_trading(at) {
                self.look(at);
                let Some(number) = self.next_reached(at) else { break };
                self.trigger(number);
            }
            if self.is_trading(at) && self.move_pegs(at) {
                self.look(at);
                self.defer(at);
            }
            self.tell_indicative(at);
        }
    }

    fn look(&mut self, at: usize) {
        for (side, reference) in [(Side::Sell, "BID"), (Side::Buy, "ASK")] {
            if let Some(price) = self.best_displayed(at, side) {
                self.pass(at, reference, price, price);
            }
        }
    }

    /// What pegs have reached is written down for the next command.
    fn defer(&mut self, at: usize) {
        let waves = std::mem::take(&mut self.instruments[at].waves);
        for wave in waves {
            self.instruments[at].waves = vec![wave.clone()];
            let reaches = self.next_reached(at).is_some();
            self.instruments[at].waves.clear();
            if !reaches {
                continue;
            }
            self.deferred.insert(at);
            let Wave(reference, low, high, armed) = wave;
            let instrument = &self.instruments[at];
            let data = Object::new()
                .id("instrument_id", "inst", id(at as u64 + 1))
                .text("symbol", &instrument.symbol)
                .text("reference", reference)
                .text("low", &instrument.price(low))
                .text("high", &instrument.price(high))
                .raw("armed_before", armed + 1);
            self.tell("TriggersDeferred", &uuid("inst", id(at as u64 + 1)), data);
        }
    }

    /// They are looked at again.
    pub(super) fn resume(&mut self, at: usize) {
        let data = Object::new().id("instrument_id", "inst", id(at as u64 + 1));
        let data = data.text("symbol", &self.instruments[at].symbol);
        self.tell("TriggersResumed", &uuid("inst", id(at as u64 + 1)), data);
    }

    fn next_reached(&mut self, instrument: usize) -> Option<u64> {
        while !self.instruments[instrument].waves.is_empty() {
            let Wave(reference, low, high, armed) = self.instruments[instrument].waves[0].clone();
            let mut reached = Vec::new();
            for number in &self.open {
                let order = &self.orders[number];
                let Some(wait) = order.waiting.as_ref().filter(|_| order.instrument == instrument) else { continue };
                if looks_at(order, wait) != reference || wait.armed > armed {
                    continue;
                }
                if waits_for_rise(order, wait) && wait.price <= high {
                    reached.push((0, i128::from(wait.price), wait.armed, *number));
                } else if !waits_for_rise(order, wait) && wait.price >= low {
                    reached.push((1, -i128::from(wait.price), wait.armed, *number));
                }
            }
            if let Some((_, _, _, number)) = reached.iter().min() {
                return Some(*number);
            }
            self.instruments[instrument].waves.remove(0);
        }
        None
    }

    fn trigger(&mut self, number: u64) {
        let wait = self.orders.get_mut(&number).unwrap().waiting.take().unwrap();
        let order = self.orders[&number].clone();
        let meets = self.best_opposite(order.instrument, order.side).is_some_and(|maker| self.meets(number, maker));
        let may_rest = !is_market(wait.order_type) && !order.is_immediate();
        if may_rest && !meets {
            self.let_rest(number);
        }
        let instrument = &self.instruments[order.instrument];
        let data = Object::new()
            .id("order_id", "ordr", id(number))
            .id("account_id", "acct", order.account)
            .text("symbol", &instrument.symbol)
            .text("side", side_text(order.side))
            .text("trigger_price", &instrument.price(wait.price))
            .text("price", &instrument.price(order.price))
            .text("status", "PENDING")
            .text("leaves_quantity", &instrument.quantity(order.leaves))
            .raw("rests", self.rests(&self.orders[&number]));
        self.tell("OrderTriggered", &uuid("ordr", id(number)), data);
        if let Some(reason) = self.too_little(&order, order.is_kill(), wait.whole, wait.least, meets) {
            return self.end(number, reason);
        }
        let rest_reason = match () {
            () if may_rest => None,
            () if is_market(wait.order_type) => Some("no_liquidity"),
            () => Some("immediate_or_cancel"),
        };
        self.trade(number, rest_reason);
    }

    /// Price and trigger price of a waiting order's replacement.
    pub(super) fn check_waiting(&self, c: &ReplaceOrder<'_>, order: &Order) -> Result<(u64, u64), &'static str> {
        let wait = order.waiting.as_ref().unwrap();
        let instrument = &self.instruments[order.instrument];
        let quantity = c.quantity.unwrap_or(order.quantity);
        self.check_terms(order.instrument, quantity, c.price)?;
        if wait.least > quantity {
            return Err("invalid_minimum_quantity");
        }
        let trigger = c.trigger_price.unwrap_or(wait.price);
        if trigger == 0 {
            return Err("invalid_trigger_price");
        }
        if trigger > instrument.max_price {
            return Err("price_too_large");
        }
        let derived = is_market(wait.order_type) && c.trigger_price.is_some();
        let kept = if derived { instrument.protection(order.side, trigger) } else { order.price };
        let price = c.price.unwrap_or(kept);
        let valued = if order.side == Side::Sell && is_market(wait.order_type) { trigger } else { price };
        let worth = i128::from(valued) * i128::from(quantity) * instrument.worth;
        self.check_limits(order.instrument, c.account_id, Some(worth), quantity)?;
        let (asset, was) = instrument.hold(order.side, order.price, order.leaves);
        let (_, now) = instrument.hold(order.side, price, quantity);
        self.check_funds(c.account_id, order.side, asset, now - was)?;
        Ok((price, trigger))
    }

    pub(super) fn replace_waiting(&mut self, c: &ReplaceOrder<'_>, number: u64, price: u64, trigger: u64) {
        let before = self.orders[&number].clone();
        let order = self.orders.get_mut(&number).unwrap();
        order.quantity = c.quantity.unwrap_or(order.quantity);
        (order.leaves, order.price) = (order.quantity, price);
        let wait = order.waiting.as_mut().unwrap();
        let (by, moved) = (wait.by, wait.price != trigger);
        if moved {
            self.instruments[before.instrument].armed += 1;
            (wait.price, wait.armed) = (trigger, self.instruments[before.instrument].armed);
        }
        let order = order.clone();
        let postings = self.hold_anew(&before, &order);
        let instrument = &self.instruments[order.instrument];
        let data = Object::new()
            .id("order_id", "ordr", id(number))
            .optional("client_order_id", c.client_order_id.map(str::to_owned))
            .id("account_id", "acct", order.account)
            .text("symbol", &instrument.symbol)
            .text("quantity", &instrument.quantity(order.quantity))
            .text("price", &instrument.price(order.price))
            .text("status", "PENDING")
            .text("cum_quantity", "0")
            .text("leaves_quantity", &instrument.quantity(order.leaves))
            .raw("rests", "null")
            .list("postings", &postings)
            .text("trigger_price", &instrument.price(trigger));
        self.tell("OrderReplaced", &uuid("ordr", id(number)), data);
        if moved {
            self.look_at(before.instrument, by);
        }
    }
}
