//! How the oracle enters an order: it asks of every lot, one by one, what it would cost.

use matching::command::PlaceOrder;
use matching::limit;
use matching::vocabulary::{OrderType, PostOnly, SelfTradePrevention, Session, Side, TimeInForce, TriggerBy};

use super::orders::side_text;
use super::pegs::{is_pegged, peg_text};
use super::plan::{Step, Taker};
use super::text::{Object, decimal, uuid};
use super::triggers::{is_market, waits};
use super::{Instrument, Order, Reference, id};

/// How an order that passed every check begins.
pub(super) struct Begin {
    pub(super) price: u64,
    pub(super) quantity: u64,
    pub(super) cost: Option<i128>,
}

impl Instrument {
    /// How far a market order may run from a price.
    pub(super) fn protection(&self, side: Side, from: u64) -> u64 {
        let (from, ppm) = (u128::from(from), u128::from(self.protection_ppm));
        let moved = match side {
            Side::Buy => from + from * ppm / 1_000_000,
            Side::Sell => from - from * ppm / 1_000_000,
        };
        (moved as u64).max(1).min(self.max_price)
    }
}

impl Reference {
    pub(super) fn place(&mut self, c: &PlaceOrder<'_>) {
        let number = self.orders.len() as u64 + 1;
        let checked = self.check_place(c);
        let known = self.accounts.contains_key(&c.account_id);
        let begin = checked.as_ref().ok();
        let order = Order {
            account: if known { c.account_id } else { 0 },
            instrument: self.instrument(c.instrument_id).unwrap_or(usize::MAX),
            side: c.side,
            time_in_force: c.time_in_force,
            peg: is_pegged(c.order_type).then_some((c.order_type, c.terms.offset, c.price)),
            waiting: None,
            expire_at_ms: Some(c.terms.expire_at_ms).filter(|due| *due > 0),
            post_only: c.terms.post_only,
            cost: begin.and_then(|begin| begin.cost),
            price: begin.map_or(0, |begin| begin.price),
            quantity: begin.map_or(0, |begin| begin.quantity),
            leaves: begin.map_or(0, |begin| begin.quantity),
            notional: 0,
            priority: None,
            self_trade: c.terms.self_trade_prevention,
            display: Some(c.terms.display_quantity).filter(|display| *display > 0),
            shown: 0,
            hidden: c.terms.hidden,
            market: false,
        };
        self.orders.insert(number, order);
        if let Err(reason) = checked {
            let limit = c.order_type == OrderType::Limit || waits(c.order_type) && !is_market(c.order_type);
            let price = limit.then_some(c.price);
            let data = self.described(c, number, c.quantity, price).text("status", "REJECTED").text("reason", reason);
            let data = data.if_any("terms", self.terms(c, c.price));
            return self.tell("OrderRejected", &uuid("ordr", id(number)), data);
        }
        self.enter(c, number);
    }

    fn enter(&mut self, c: &PlaceOrder<'_>, number: u64) {
        self.open.push(number);
        let order = self.orders[&number].clone();
        let (asset, hold) = self.instruments[order.instrument].hold(order.side, order.held_at(), order.quantity);
        let postings = [self.post(order.account, asset, "hold", order.cost.unwrap_or(hold))];
        let immediate = matches!(c.time_in_force, TimeInForce::Ioc | TimeInForce::Fok);
        let waiting = waits(c.order_type);
        let collected = self.collects(order.instrument) && !waiting;
        let may_rest = collected || !is_market(c.order_type) && !immediate && !waiting;
        self.orders.get_mut(&number).unwrap().market = collected && is_market(c.order_type);
        let meets = !collected
            && self.best_opposite(order.instrument, order.side).is_some_and(|maker| self.meets(number, maker));
        if may_rest && !meets {
            self.let_rest(number);
        }
        let kill = c.time_in_force == TimeInForce::Fok;
        let too_little = self.too_little(&order, kill, c.terms.all_or_none, c.terms.minimum_quantity, meets);
        let quantity = self.instruments[order.instrument].quantity(order.quantity);
        let market = is_market(c.order_type);
        let protection = market.then(|| self.instruments[order.instrument].price(order.price));
        let data = self
            .described(c, number, order.quantity, (!market).then_some(order.price))
            .optional("protection_price", protection)
            .text("status", "PENDING")
            .text("cum_quantity", "0")
            .text("leaves_quantity", &quantity)
            .raw("rests", self.rests(&self.orders[&number]))
            .list("postings", &postings)
            .if_any("terms", self.terms(c, order.price));
        self.tell("OrderCreated", &uuid("ordr", id(number)), data);
        if waiting {
            return self.wait_for(c, number);
        }
        if let Some(reason) = too_little {
            return self.end(number, reason);
        }
        let rest_reason = match c.order_type {
            _ if may_rest => None,
            OrderType::Market => Some("no_liquidity"),
            _ => Some("immediate_or_cancel"),
        };
        self.trade(number, rest_reason);
    }

    /// Why an order that would trade too little trades nothing.
    pub(super) fn too_little(
        &self,
        order: &Order,
        kill: bool,
        whole: bool,
        least: u64,
        meets: bool,
    ) -> Option<&'static str> {
        let reachable = self.reachable(self.taker(order));
        if kill {
            (reachable < order.quantity).then_some("fill_or_kill")
        } else if whole {
            (meets && reachable < order.quantity).then_some("all_or_none")
        } else {
            (meets && reachable < least).then_some("minimum_quantity")
        }
    }

    /// How an order comes in.
    pub(super) fn taker(&self, order: &Order) -> Taker {
        let Order { instrument, side, price: limit, leaves, account, .. } = *order;
        Taker { instrument, side, limit, leaves, account, mode: self.mode(instrument, order.self_trade) }
    }

    /// Fields that accepted and rejected orders have in common.
    fn described(&self, c: &PlaceOrder<'_>, number: u64, quantity: u64, price: Option<u64>) -> Object {
        let listed = self.instrument(c.instrument_id).map(|at| &self.instruments[at]);
        let order_type = match c.order_type {
            OrderType::Limit => "LIMIT",
            OrderType::Market => "MARKET",
            OrderType::MarketToLimit => "MARKET_TO_LIMIT",
            OrderType::Stop => "STOP",
            OrderType::StopLimit => "STOP_LIMIT",
            OrderType::MarketIfTouched => "MARKET_IF_TOUCHED",
            OrderType::LimitIfTouched => "LIMIT_IF_TOUCHED",
            pegged => peg_text(pegged),
        };
        Object::new()
            .id("order_id", "ordr", id(number))
            .optional("client_order_id", c.client_order_id.map(str::to_owned))
            .id("account_id", "acct", c.account_id)
            .text("symbol", listed.map_or("", |instrument| &instrument.symbol))
            .text("side", side_text(c.side))
            .text("type", order_type)
            .text("time_in_force", &format!("{:?}", c.time_in_force).to_uppercase())
            .text("quantity", &listed.map_or(quantity.to_string(), |instrument| instrument.quantity(quantity)))
            .optional("price", price.map(|price| listed.map_or(price.to_string(), |i| i.price(price))))
    }

    /// What a plain order does not say.
    fn terms(&self, c: &PlaceOrder<'_>, working: u64) -> Object {
        let listed = self.instrument(c.instrument_id).map(|at| &self.instruments[at]);
        let post_only = c.terms.post_only.map(|word| if word == PostOnly::Reject { "REJECT" } else { "SLIDE" });
        let slid = c.order_type == OrderType::Limit && c.price != working;
        let least = Some(c.terms.minimum_quantity).filter(|least| *least > 0);
        let budget = i128::try_from(c.terms.budget).ok().filter(|budget| *budget > 0);
        let object = Object::new()
            .if_there("post_only", post_only.map(str::to_owned))
            .if_there("asked_price", slid.then(|| listed.unwrap().price(c.price)))
            .if_there("minimum_quantity", least.map(|n| listed.map_or(n.to_string(), |i| i.quantity(n))));
        let object = if c.terms.all_or_none { object.raw("all_or_none", true) } else { object };
        let object = object.if_there(
            "budget",
            budget.map(|n| listed.map_or(n.to_string(), |i| decimal(n, self.assets[i.quote].scale))),
        );
        let object = match c.terms.expire_at_ms {
            0 => object,
            due => object.raw("expire_at_ms", due),
        };
        let Some(by) = c.terms.trigger_by else { return self.part_terms(c, object) };
        let by = match by {
            TriggerBy::Last => "LAST",
            TriggerBy::BidAsk => "BID_ASK",
            TriggerBy::Mark => "MARK",
        };
        let price = c.terms.trigger_price;
        let price = listed.map_or(price.to_string(), |i| i.price(price));
        self.part_terms(c, object.text("trigger_by", by).text("trigger_price", &price))
    }

    fn part_terms(&self, c: &PlaceOrder<'_>, object: Object) -> Object {
        let listed = self.instrument(c.instrument_id).map(|at| &self.instruments[at]);
        let pegged = is_pegged(c.order_type);
        let offset = c.terms.offset;
        let object = object
            .if_there("peg_offset", pegged.then(|| listed.map_or(offset.to_string(), |i| i.signed_price(offset))));
        let limit = Some(c.price).filter(|limit| pegged && *limit > 0);
        let object = object.if_there("limit_price", limit.map(|n| listed.map_or(n.to_string(), |i| i.price(n))));
        let display = Some(c.terms.display_quantity).filter(|display| *display > 0);
        let object =
            object.if_there("display_quantity", display.map(|n| listed.map_or(n.to_string(), |i| i.quantity(n))));
        let object = if c.terms.hidden { object.raw("hidden", true) } else { object };
        let prevention = c.terms.self_trade_prevention.map(|word| match word {
            SelfTradePrevention::CancelNewest => "CANCEL_NEWEST",
            SelfTradePrevention::CancelOldest => "CANCEL_OLDEST",
            SelfTradePrevention::CancelBoth => "CANCEL_BOTH",
            SelfTradePrevention::DecrementAndCancel => "DECREMENT_AND_CANCEL",
        });
        object.if_there("self_trade_prevention", prevention.map(str::to_owned))
    }

    fn worst_price(&self, c: &PlaceOrder<'_>, opposite: Option<u64>) -> Option<u64> {
        match c.order_type {
            OrderType::Limit | OrderType::StopLimit | OrderType::LimitIfTouched => return Some(c.price),
            OrderType::MarketToLimit => return opposite,
            _ if c.protection_price != 0 => return Some(c.protection_price),
            _ => {}
        }
        let instrument = &self.instruments[self.instrument(c.instrument_id)?];
        let from = if waits(c.order_type) { c.terms.trigger_price } else { opposite? };
        Some(instrument.protection(c.side, from))
    }

    /// Buys or sells lot by lot while the budget lasts.
    fn spend(&self, c: &PlaceOrder<'_>, instrument: usize, limit: Option<u64>) -> Result<(u64, i128), &'static str> {
        if c.terms.budget > limit::AMOUNT_MAX as u128 {
            return Err("amount_too_large");
        }
        let (mut lots, mut spent) = (0, 0);
        let limit = limit.ok_or("no_liquidity")?;
        self.best_displayed(instrument, c.side).ok_or("no_liquidity")?;
        let leaves = self.instruments[instrument].max_quantity;
        let mode = match self.mode(instrument, c.terms.self_trade_prevention) {
            SelfTradePrevention::DecrementAndCancel => SelfTradePrevention::CancelNewest,
            mode => mode,
        };
        let taker = Taker { instrument, side: c.side, limit, leaves, account: c.account_id, mode };
        'spending: for step in self.plan(taker).steps {
            let Step::Trade(maker, quantity) = step else { continue };
            let price = self.orders[&maker].price;
            for _ in 0..quantity {
                let most = if c.side == Side::Buy { self.instruments[instrument].most_fee(price, 1) } else { 0 };
                let cost = i128::from(price) * self.instruments[instrument].worth + most;
                if spent + cost > c.terms.budget as i128 || lots == self.instruments[instrument].max_quantity {
                    break 'spending;
                }
                (lots, spent) = (lots + 1, spent + cost);
            }
        }
        if lots == 0 { Err("budget_too_small") } else { Ok((lots, spent)) }
    }

    /// Where a post-only order works: at its price, or next to the order that it would have met.
    pub(super) fn passive_price(
        &self,
        instrument: usize,
        side: Side,
        price: u64,
        post_only: Option<PostOnly>,
    ) -> Result<u64, &'static str> {
        let best = self.best_opposite(instrument, side).map(|maker| self.orders[&maker].price);
        let (Some(post_only), Some(best)) = (post_only, best) else { return Ok(price) };
        let would_trade = if side == Side::Buy { best <= price } else { best >= price };
        if !would_trade {
            return Ok(price);
        }
        let slid = if side == Side::Buy { best - 1 } else { best + 1 };
        if post_only == PostOnly::Reject || slid == 0 || slid > self.instruments[instrument].max_price {
            return Err("post_only_would_trade");
        }
        Ok(slid)
    }

    fn check_open(&self, c: &PlaceOrder<'_>) -> Result<usize, &'static str> {
        self.customer(c.account_id).map_err(|(reason, _)| reason)?;
        if self.accounts[&c.account_id].suspended {
            return Err("account_suspended");
        }
        if self.is_killed(c.account_id) {
            return Err("kill_switch");
        }
        let at = self.instrument(c.instrument_id).ok_or("unknown_instrument")?;
        self.check_session(at).map(|()| at)
    }

    fn check_parts(&self, c: &PlaceOrder<'_>, at: usize, quantity: u64) -> Result<(), &'static str> {
        let waiting = waits(c.order_type);
        match c.terms.trigger_price {
            _ if c.terms.minimum_quantity > quantity => Err("invalid_minimum_quantity"),
            _ if c.terms.display_quantity >= quantity => Err("invalid_display_quantity"),
            0 if waiting => Err("invalid_trigger_price"),
            price if waiting && price > self.instruments[at].max_price => Err("price_too_large"),
            _ => Ok(()),
        }
    }

    fn check_place(&self, c: &PlaceOrder<'_>) -> Result<Begin, &'static str> {
        let at = self.check_open(c)?;
        if c.time_in_force == TimeInForce::Gtd && c.terms.expire_at_ms <= self.now_ms {
            return Err("expire_time_passed");
        }
        let special = self.instruments[at].session != Session::Continuous && !waits(c.order_type);
        if special {
            self.check_kind(c, at)?;
        }
        if is_pegged(c.order_type) {
            return self.check_peg(c, at);
        }
        let opposite = self.best_displayed(at, c.side);
        let limit = if special { Some(self.special_price(c, at)) } else { self.worst_price(c, opposite) };
        let spent = if c.terms.budget > 0 { Some(self.spend(c, at, limit)?) } else { None };
        let quantity = spent.map_or(c.quantity, |(lots, _)| lots);
        let given = match c.order_type {
            OrderType::Limit | OrderType::StopLimit | OrderType::LimitIfTouched => Some(c.price),
            _ => Some(c.protection_price).filter(|price| *price > 0),
        };
        self.check_terms(at, quantity, given)?;
        self.check_parts(c, at, quantity)?;
        if special {
            self.check_special_price(c, at)?;
        }
        let limit = match limit {
            Some(price) if c.terms.post_only.is_some() => {
                Some(self.passive_price(at, c.side, price, c.terms.post_only)?)
            }
            limit => limit,
        };
        let market = c.order_type == OrderType::Market;
        let valued = match c.side {
            Side::Sell if market && special && self.instruments[at].last_trade > 0 => {
                Some(self.instruments[at].last_trade)
            }
            _ if market && special => limit,
            Side::Sell if market => opposite,
            Side::Sell if is_market(c.order_type) => Some(c.terms.trigger_price),
            _ => limit,
        };
        let worth = valued.map(|price| i128::from(price) * i128::from(quantity) * self.instruments[at].worth);
        let worth = spent.map(|(_, spent)| spent).or(worth);
        self.check_limits(at, c.account_id, worth, quantity)?;
        let immediate = matches!(c.time_in_force, TimeInForce::Ioc | TimeInForce::Fok);
        let mine = self.open.iter().filter(|number| self.orders[number].account == c.account_id).count();
        let most = self.accounts[&c.account_id].open_max.unwrap_or(limit::OPEN_ORDERS_DEFAULT);
        let collected = special && self.collects(at);
        if (!market && !immediate || waits(c.order_type) || collected) && mine >= most as usize {
            return Err("open_orders_limit");
        }
        let needs_a_price = c.order_type == OrderType::Market || c.order_type == OrderType::MarketToLimit;
        if needs_a_price && opposite.is_none() && !special {
            return Err("no_liquidity");
        }
        let price = limit.unwrap_or(0);
        let cost = spent.map(|(_, spent)| spent).filter(|_| c.side == Side::Buy);
        let (asset, hold) = self.instruments[at].hold(c.side, price, quantity);
        self.check_funds(c.account_id, c.side, asset, cost.unwrap_or(hold))?;
        Ok(Begin { price, quantity, cost })
    }
}
