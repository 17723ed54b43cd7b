//! Orders of the oracle: every question is answered by looking at all open orders.

use matching::command::{CancelAll, CancelOrder, ReplaceOrder};
use matching::limit;
use matching::vocabulary::{PostOnly, SelfTradePrevention, Session, Side, TimeInForce};

use super::pegs::Peg;
use super::plan::Step;
use super::text::{Object, decimal, uuid};
use super::{HOUSE, Instrument, Reference, Refused, Wait, id, venue};

#[derive(Clone)]
pub struct Order {
    pub account: u64,
    pub instrument: usize,
    pub side: Side,
    pub time_in_force: TimeInForce,
    pub peg: Option<Peg>,
    pub waiting: Option<Wait>,
    pub expire_at_ms: Option<u64>,
    pub post_only: Option<PostOnly>,
    /// What its trades will cost, where that is known: it is held instead of the worst case.
    pub cost: Option<i128>,
    pub price: u64,
    pub quantity: u64,
    pub leaves: u64,
    pub notional: i128,
    pub self_trade: Option<SelfTradePrevention>,
    /// An iceberg displays at most so much.
    pub display: Option<u64>,
    /// What it displays, or as much of a hidden one, while it rests.
    pub shown: u64,
    pub hidden: bool,
    /// It names no price, and rests until its auction.
    pub market: bool,
    /// None while it does not rest.
    pub priority: Option<u64>,
}

pub(super) fn side_text(side: Side) -> &'static str {
    if side == Side::Buy { "BUY" } else { "SELL" }
}

impl Instrument {
    pub(super) fn price(&self, count: u64) -> String {
        decimal(i128::from(count) * i128::from(self.price_unit.0), self.price_unit.1)
    }

    pub(super) fn quantity(&self, count: u64) -> String {
        decimal(i128::from(count) * i128::from(self.lot_unit.0), self.lot_unit.1)
    }

    pub(super) fn hold(&self, side: Side, price: u64, quantity: u64) -> (usize, i128) {
        match side {
            Side::Buy => {
                (self.quote, i128::from(price) * i128::from(quantity) * self.worth + self.most_fee(price, quantity))
            }
            Side::Sell => (self.base, i128::from(quantity) * self.lot),
        }
    }
}

impl Order {
    /// Nothing is traded unless all is.
    pub(super) fn is_kill(&self) -> bool {
        self.time_in_force == TimeInForce::Fok
    }

    /// What it does not trade at once is canceled.
    pub(super) fn is_immediate(&self) -> bool {
        self.is_kill() || self.time_in_force == TimeInForce::Ioc
    }

    pub(super) fn status(&self) -> &'static str {
        match self.leaves {
            0 => "EXECUTED",
            leaves if leaves == self.quantity => "PENDING",
            _ => "PARTIALLY_EXECUTED",
        }
    }
}

impl Reference {
    pub(super) fn rests(&self, order: &Order) -> String {
        let Some(priority) = order.priority.filter(|_| order.leaves > 0) else { return "null".to_owned() };
        let instrument = &self.instruments[order.instrument];
        let (price, quantity) =
            (instrument.price(order.price), instrument.quantity(if order.hidden { 0 } else { order.shown }));
        format!("{{\"price\":\"{price}\",\"quantity\":\"{quantity}\",\"priority\":{priority}}}")
    }

    pub(super) fn check_terms(&self, at: usize, quantity: u64, price: Option<u64>) -> Result<(), &'static str> {
        let instrument = &self.instruments[at];
        match () {
            () if quantity == 0 => Err("invalid_quantity"),
            () if price == Some(0) => Err("invalid_price"),
            () if quantity > instrument.max_quantity => Err("quantity_too_large"),
            () if price > Some(instrument.max_price) => Err("price_too_large"),
            () => Ok(()),
        }
    }

    /// The limits count 10^-18: both sides are brought to whole numbers of it by their decimals.
    pub(super) fn check_limits(
        &self,
        at: usize,
        account: u64,
        worth: Option<i128>,
        quantity: u64,
    ) -> Result<(), &'static str> {
        let (instrument, account) = (&self.instruments[at], &self.accounts[&account]);
        if let (Some(most), Some(notional)) = (account.notional_max, worth) {
            let per_unit = 10i128.pow(u32::from(18 - self.assets[instrument.quote].scale));
            if notional > most as i128 / per_unit {
                return Err("order_notional_limit");
            }
        }
        if let Some(most) = account.quantity_max {
            let per_unit = 10i128.pow(u32::from(18 - instrument.lot_unit.1));
            if i128::from(quantity) * i128::from(instrument.lot_unit.0) > most as i128 / per_unit {
                return Err("order_quantity_limit");
            }
        }
        Ok(())
    }

    pub(super) fn check_funds(&self, account: u64, side: Side, asset: usize, more: i128) -> Result<(), &'static str> {
        let (balance, hold) = self.accounts[&account].funds.get(&asset).copied().unwrap_or_default();
        if more <= balance - hold || more <= 0 {
            return Ok(());
        }
        Err(if side == Side::Buy { "insufficient_funds" } else { "insufficient_position" })
    }

    /// The order that an incoming one of `side` would meet first.
    pub(super) fn best_opposite(&self, instrument: usize, side: Side) -> Option<u64> {
        let resting = self.open.iter().copied().filter(|number| {
            let order = &self.orders[number];
            order.instrument == instrument && order.side != side && order.priority.is_some()
        });
        resting.min_by_key(|number| {
            let order = &self.orders[number];
            let price = i128::from(order.price);
            (if side == Side::Buy { price } else { -price }, order.hidden, order.priority)
        })
    }

    /// The best price that everybody sees of the other side.
    pub(super) fn best_displayed(&self, instrument: usize, side: Side) -> Option<u64> {
        let seen = self.open.iter().map(|number| &self.orders[number]);
        let seen = seen.filter(|order| order.instrument == instrument && order.side != side);
        let prices = seen.filter(|order| order.priority.is_some() && !order.hidden).map(|order| order.price);
        if side == Side::Buy { prices.min() } else { prices.max() }
    }

    pub(super) fn meets(&self, taker: u64, maker: u64) -> bool {
        let (taker, maker) = (&self.orders[&taker], &self.orders[&maker]);
        if taker.side == Side::Buy { maker.price <= taker.price } else { maker.price >= taker.price }
    }

    pub(super) fn let_rest(&mut self, number: u64) {
        let order = self.orders.get_mut(&number).unwrap();
        let priorities = &mut self.instruments[order.instrument].priorities;
        *priorities += 1;
        order.priority = Some(*priorities);
        order.shown = order.display.unwrap_or(u64::MAX).min(order.leaves);
    }

    /// Trades an order that does not rest; what is left rests, or is canceled for a reason.
    pub(super) fn trade(&mut self, number: u64, rest_reason: Option<&'static str>) {
        let (at, before) = (self.orders[&number].instrument, self.prices.len());
        self.trade_on(number, rest_reason);
        let prices = self.prices.split_off(before);
        if let (Some(low), Some(high)) = (prices.iter().min(), prices.iter().max()) {
            self.pass(at, "LAST", *low, *high);
        }
    }

    fn trade_on(&mut self, number: u64, rest_reason: Option<&'static str>) {
        let order = self.orders[&number].clone();
        if order.leaves == 0 || order.priority.is_some() || order.waiting.is_some() {
            return;
        }
        let mut told_at = self.told.len() - 1;
        let plan = self.plan(self.taker(&order));
        for step in &plan.steps {
            match *step {
                Step::Trade(maker, lots) => told_at = self.fill(number, maker, lots),
                Step::Cancel(maker) => self.end(maker, "self_trade"),
                Step::Decrement(maker, lots) => {
                    self.shrink(maker, lots);
                    if lots < self.orders[&number].leaves {
                        told_at = self.shrink(number, lots);
                    }
                }
            }
        }
        if self.orders[&number].leaves == 0 {
            return;
        }
        let beyond = self.best_opposite(order.instrument, order.side).is_some();
        let reason = match rest_reason {
            _ if plan.stopped => Some("self_trade"),
            Some("no_liquidity") if beyond => Some("protection_price"),
            reason => reason,
        };
        if let Some(reason) = reason {
            return self.end(number, reason);
        }
        self.let_rest(number);
        let rests = format!("\"rests\":{}", self.rests(&self.orders[&number]));
        self.told[told_at].data = self.told[told_at].data.replace("\"rests\":null", &rests);
    }

    /// One trade; returns which event tells the taker's part.
    fn fill(&mut self, taker: u64, maker: u64, quantity: u64) -> usize {
        self.trades += 1;
        let at = self.orders[&maker].instrument;
        let price = self.only_price(at).unwrap_or(self.orders[&maker].price);
        if self.instruments[at].session == Session::Continuous {
            self.prices.push(price);
        }
        let maker_fee = self.execute(maker, price, quantity, "MAKER");
        let taker_fee = self.execute(taker, price, quantity, "TAKER");
        self.tell_trade([taker, maker], price, quantity, [taker_fee, maker_fee]);
        let taker_told = self.told.len() - 2;
        let order = &self.orders[&maker];
        if order.leaves > 0 && order.shown == 0 {
            self.let_rest(maker);
            self.restate(maker, "refreshed", &[]);
        }
        taker_told
    }

    pub(super) fn tell_trade(
        &mut self,
        [taker, maker]: [u64; 2],
        price: u64,
        quantity: u64,
        [taker_fee, maker_fee]: [Option<String>; 2],
    ) {
        self.instruments[self.orders[&maker].instrument].last_trade = price;
        let (maker_order, taker_order) = (&self.orders[&maker], &self.orders[&taker]);
        let instrument = &self.instruments[taker_order.instrument];
        let data = Object::new()
            .id("trade_id", "trad", id(self.trades))
            .text("symbol", &instrument.symbol)
            .text("price", &instrument.price(price))
            .text("quantity", &instrument.quantity(quantity))
            .text("aggressor_side", side_text(taker_order.side))
            .id("maker_order_id", "ordr", id(maker))
            .id("taker_order_id", "ordr", id(taker))
            .id("maker_account_id", "acct", maker_order.account)
            .id("taker_account_id", "acct", taker_order.account)
            .if_there("maker_fee", maker_fee)
            .if_there("taker_fee", taker_fee);
        let aggregate = uuid("inst", id(taker_order.instrument as u64 + 1));
        self.tell("TradeExecuted", &aggregate, data);
    }

    /// One side of a trade; returns what it cost.
    pub(super) fn execute(&mut self, number: u64, price: u64, quantity: u64, liquidity: &str) -> Option<String> {
        let held_at = self.orders[&number].held_at();
        let order = self.orders.get_mut(&number).unwrap();
        let instrument = &self.instruments[order.instrument];
        let notional = i128::from(price) * i128::from(quantity) * instrument.worth;
        order.leaves -= quantity;
        let in_auction = self.instruments[order.instrument].uncrossing;
        order.shown = if in_auction { order.shown.min(order.leaves) } else { order.shown.saturating_sub(quantity) };
        order.notional += notional;
        let order = order.clone();
        let sign = if order.side == Side::Buy { 1 } else { -1 };
        let (base, quote, clearing) = (instrument.base, instrument.quote, instrument.clearing);
        let assets = sign * i128::from(quantity) * instrument.lot;
        let held_at = if order.cost.is_some() { price } else { held_at };
        let (held, hold) = instrument.hold(order.side, held_at, quantity);
        let fee = instrument.fee(liquidity, notional);
        let mut postings = vec![
            self.post(order.account, base, "balance", assets),
            self.post(clearing, base, "balance", -assets),
            self.post(order.account, quote, "balance", -sign * notional),
            self.post(clearing, quote, "balance", sign * notional),
            self.post(order.account, held, "hold", -hold),
        ];
        if fee > 0 {
            postings.push(self.post(order.account, quote, "balance", -fee));
            postings.push(self.post(HOUSE, quote, "balance", fee));
        }
        if order.leaves == 0 {
            self.open.retain(|open| *open != number);
        }
        let used_up = order.priority.is_some() && order.shown == 0;
        let instrument = &self.instruments[order.instrument];
        let data = Object::new()
            .id("order_id", "ordr", id(number))
            .id("trade_id", "trad", id(self.trades))
            .id("account_id", "acct", order.account)
            .text("symbol", &instrument.symbol)
            .text("side", side_text(order.side))
            .text("price", &instrument.price(price))
            .text("quantity", &instrument.quantity(quantity))
            .text("liquidity", liquidity)
            .text("status", order.status())
            .text("cum_quantity", &instrument.quantity(order.quantity - order.leaves))
            .text("leaves_quantity", &instrument.quantity(order.leaves))
            .text("cum_notional", &decimal(order.notional, self.assets[instrument.quote].scale))
            .raw("rests", if used_up { "null".to_owned() } else { self.rests(&order) })
            .list("postings", &postings);
        let fee = (fee > 0).then(|| decimal(fee, self.assets[instrument.quote].scale));
        let data = data.if_there("fee", fee.clone());
        self.tell("OrderExecuted", &uuid("ordr", id(number)), data);
        fee
    }

    pub(super) fn end(&mut self, number: u64, reason: &str) {
        let order = self.orders[&number].clone();
        self.open.retain(|open| *open != number);
        self.orders.get_mut(&number).unwrap().leaves = 0;
        let (asset, hold) = self.instruments[order.instrument].hold(order.side, order.held_at(), order.leaves);
        let postings = [self.post(order.account, asset, "hold", -hold)];
        let expired = matches!(reason, "session_end" | "expire_time");
        let instrument = &self.instruments[order.instrument];
        let data = Object::new()
            .id("order_id", "ordr", id(number))
            .id("account_id", "acct", order.account)
            .text("symbol", &instrument.symbol)
            .text("reason", reason)
            .text("status", if expired { "EXPIRED" } else { "CANCELED" })
            .text("cum_quantity", &instrument.quantity(order.quantity - order.leaves))
            .text("leaves_quantity", "0")
            .text("canceled_quantity", &instrument.quantity(order.leaves))
            .list("postings", &postings);
        self.tell(if expired { "OrderExpired" } else { "OrderCanceled" }, &uuid("ordr", id(number)), data);
    }

    fn find(&self, account: u64, order_id: u64) -> Result<u64, &'static str> {
        self.customer(account).map_err(|(reason, _)| reason)?;
        let number = order_id & 0xffff_ffff_ffff;
        let order = self.orders.get(&number).filter(|_| id(number) == order_id).ok_or("order_not_found")?;
        let is_open = self.open.contains(&number);
        let forgotten = !is_open && number + limit::CLOSED_ORDERS_REMEMBERED < self.orders.len() as u64 + 1;
        if order.account != account || forgotten {
            return Err("order_not_found");
        }
        if is_open { Ok(number) } else { Err("order_closed") }
    }

    fn refuse(&mut self, account: u64, order_id: u64, request: &str, reason: &str) {
        let stream = if self.accounts.contains_key(&account) { account } else { id(1) };
        let data = Object::new()
            .id("order_id", "ordr", order_id)
            .id("account_id", "acct", account)
            .text("request", request)
            .text("reason", reason);
        self.tell("OrderCancelRejected", &uuid("acct", stream), data);
    }

    pub(super) fn cancel(&mut self, c: &CancelOrder) {
        match self.find(c.account_id, c.order_id) {
            Ok(number) => self.end(number, "requested"),
            Err(reason) => self.refuse(c.account_id, c.order_id, "CANCEL", reason),
        }
    }

    pub(super) fn cancel_all(&mut self, c: &CancelAll) -> Result<(), Refused> {
        if self.customer(c.account_id).is_err() {
            return venue("unknown_account");
        }
        let chosen = match c.instrument_id {
            None => None,
            Some(named) => {
                Some(self.instrument(named).ok_or_else(|| ("unknown_instrument", uuid("acct", c.account_id)))?)
            }
        };
        let mut ending = self.open.clone();
        ending.retain(|number| {
            let order = &self.orders[number];
            order.account == c.account_id && chosen.is_none_or(|chosen| chosen == order.instrument)
        });
        ending.sort_by_key(|number| (self.orders[number].instrument, *number));
        for number in &ending {
            self.end(*number, "requested");
        }
        let symbol = chosen.map(|at| self.instruments[at].symbol.clone());
        let data = Object::new().id("account_id", "acct", c.account_id).optional("symbol", symbol);
        self.tell("OrdersCanceled", &uuid("acct", c.account_id), data.raw("count", ending.len()));
        Ok(())
    }

    pub(super) fn replace(&mut self, c: &ReplaceOrder<'_>) {
        let (working, also) = match self.check_replace(c) {
            Ok(prices) => prices,
            Err(reason) => return self.refuse(c.account_id, c.order_id, "REPLACE", reason),
        };
        let number = c.order_id & 0xffff_ffff_ffff;
        let limit = self.orders[&number].peg.and(also);
        if let Some(trigger) = also.filter(|_| limit.is_none()) {
            return self.replace_waiting(c, number, working, trigger);
        }
        let before = self.orders[&number].clone();
        let order = self.orders.get_mut(&number).unwrap();
        let executed = before.quantity - before.leaves;
        (order.quantity, order.price) = (c.quantity.unwrap_or(order.quantity), working);
        order.leaves = order.quantity - executed;
        order.peg = order.peg.map(|(order_type, offset, _)| (order_type, offset, limit.unwrap()));
        if order.price != before.price || order.quantity > before.quantity {
            order.priority = None;
        }
        order.shown = order.shown.min(order.leaves);
        let order = order.clone();
        let crosses = !self.collects(order.instrument)
            && self.best_opposite(order.instrument, order.side).is_some_and(|maker| self.meets(number, maker));
        if order.priority.is_none() && !crosses {
            self.let_rest(number);
        }
        let postings = self.hold_anew(&before, &order);
        let instrument = &self.instruments[order.instrument];
        let data = Object::new()
            .id("order_id", "ordr", id(number))
            .optional("client_order_id", c.client_order_id.map(str::to_owned))
            .id("account_id", "acct", order.account)
            .text("symbol", &instrument.symbol)
            .text("quantity", &instrument.quantity(order.quantity))
            .text("price", &instrument.price(order.price))
            .text("status", order.status())
            .text("cum_quantity", &instrument.quantity(executed))
            .text("leaves_quantity", &instrument.quantity(order.leaves))
            .raw("rests", self.rests(&self.orders[&number]))
            .list("postings", &postings)
            .if_there("limit_price", limit.filter(|limit| *limit > 0).map(|limit| instrument.price(limit)));
        self.tell("OrderReplaced", &uuid("ordr", id(number)), data);
        self.trade(number, None);
    }

    /// The posting that a replacement needs, if it needs one.
    pub(super) fn hold_anew(&mut self, before: &Order, order: &Order) -> Vec<String> {
        let instrument = &self.instruments[order.instrument];
        let (asset, was) = instrument.hold(order.side, before.held_at(), before.leaves);
        let (_, now) = instrument.hold(order.side, order.held_at(), order.leaves);
        if now == was { Vec::new() } else { vec![self.post(order.account, asset, "hold", now - was)] }
    }

    /// The price at which it works then, and the trigger price if it goes on waiting, or the limit of a peg.
    fn check_replace(&self, c: &ReplaceOrder<'_>) -> Result<(u64, Option<u64>), &'static str> {
        let order = &self.orders[&self.find(c.account_id, c.order_id)?];
        if self.accounts[&c.account_id].suspended {
            return Err("account_suspended");
        }
        if self.is_killed(c.account_id) {
            return Err("kill_switch");
        }
        self.check_session(order.instrument)?;
        if order.waiting.is_some() {
            return self.check_waiting(c, order).map(|(price, trigger)| (price, Some(trigger)));
        }
        if order.peg.is_some() && !self.is_trading(order.instrument) {
            return Err("not_in_session");
        }
        if order.peg.is_some() {
            return self.check_peg_change(c, order).map(|(price, limit)| (price, Some(limit)));
        }
        let (quantity, price) = (c.quantity.unwrap_or(order.quantity), c.price.unwrap_or(order.price));
        self.check_terms(order.instrument, quantity, Some(price))?;
        if c.trigger_price.is_some() {
            return Err("invalid_trigger_price");
        }
        self.check_new_price(c, order)?;
        let executed = order.quantity - order.leaves;
        if quantity <= executed {
            return Err("quantity_below_executed");
        }
        let price = self.passive_price(order.instrument, order.side, price, order.post_only)?;
        let instrument = &self.instruments[order.instrument];
        let worth = i128::from(price) * i128::from(quantity) * instrument.worth;
        self.check_limits(order.instrument, c.account_id, Some(worth), quantity)?;
        let (asset, was) = instrument.hold(order.side, order.price, order.leaves);
        let (_, now) = instrument.hold(order.side, price, quantity - executed);
        self.check_funds(c.account_id, order.side, asset, now - was).map(|()| (price, None))
    }
}
