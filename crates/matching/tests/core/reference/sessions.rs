//! How the oracle changes sessions and holds auctions: it asks of every price what it would trade.

use matching::command::{ChangeSession, PlaceOrder, ReplaceOrder};
use matching::vocabulary::{OrderType, SelfTradePrevention, Session, Side, TimeInForce};

use super::orders::side_text;
use super::pegs::is_pegged;
use super::text::{Object, uuid};
use super::{Order, Reference, Refused, id, venue};

fn is_call(session: Session) -> bool {
    [Session::OpeningCall, Session::VolatilityCall, Session::ClosingCall].contains(&session)
}

pub fn session_text(session: Session) -> &'static str {
    match session {
        Session::Continuous => "CONTINUOUS",
        Session::Closed => "CLOSED",
        Session::PreOpen => "PRE_OPEN",
        Session::OpeningCall => "OPENING_CALL",
        Session::VolatilityCall => "VOLATILITY_CALL",
        Session::Halt => "HALT",
        Session::ClosingCall => "CLOSING_CALL",
        Session::ClosingPriceCross => "CLOSING_PRICE_CROSS",
    }
}

impl Reference {
    pub(super) fn is_trading(&self, at: usize) -> bool {
        self.instruments[at].session == Session::Continuous
    }

    pub(super) fn collects(&self, at: usize) -> bool {
        is_call(self.instruments[at].session) || self.instruments[at].session == Session::PreOpen
    }

    pub(super) fn only_price(&self, at: usize) -> Option<u64> {
        (self.instruments[at].session == Session::ClosingPriceCross).then_some(self.instruments[at].last_trade)
    }

    pub(super) fn check_session(&self, at: usize) -> Result<(), &'static str> {
        match self.instruments[at].session {
            Session::Closed => Err("market_closed"),
            Session::Halt => Err("market_halted"),
            _ => Ok(()),
        }
    }

    pub(super) fn check_kind(&self, c: &PlaceOrder<'_>, at: usize) -> Result<(), &'static str> {
        let terms = &c.terms;
        let at_once = c.time_in_force.is_immediate() || terms.all_or_none || terms.minimum_quantity > 0;
        if c.order_type == OrderType::MarketToLimit
            || is_pegged(c.order_type)
            || terms.budget > 0
            || self.collects(at) && (at_once || terms.post_only.is_some())
        {
            return Err("not_in_session");
        }
        if self.only_price(at) == Some(0) { Err("no_reference") } else { Ok(()) }
    }

    /// How far an order reaches outside of continuous trading.
    pub(super) fn special_price(&self, c: &PlaceOrder<'_>, at: usize) -> u64 {
        let instrument = &self.instruments[at];
        if let Some(price) = self.only_price(at) {
            return price;
        }
        match (c.order_type, c.protection_price, instrument.last_trade) {
            (OrderType::Limit, _, _) => c.price,
            (_, 0, 0) if c.side == Side::Buy => instrument.max_price,
            (_, 0, 0) => 1,
            (_, 0, last) => instrument.protection(c.side, last),
            (_, given, _) => given,
        }
    }

    pub(super) fn check_special_price(&self, c: &PlaceOrder<'_>, at: usize) -> Result<(), &'static str> {
        let Some(only) = self.only_price(at) else { return Ok(()) };
        let fits = match c.order_type {
            OrderType::Limit => c.price == only,
            _ if c.protection_price == 0 => true,
            _ if c.side == Side::Buy => c.protection_price >= only,
            _ => c.protection_price <= only,
        };
        if !fits {
            return Err("not_in_session");
        }
        let meets = self.best_opposite(at, c.side).map(|maker| self.orders[&maker].price);
        let would_trade = meets.is_some_and(|price| if c.side == Side::Buy { price <= only } else { price >= only });
        if c.terms.post_only.is_some() && would_trade { Err("post_only_would_trade") } else { Ok(()) }
    }

    pub(super) fn check_new_price(&self, c: &ReplaceOrder<'_>, order: &Order) -> Result<(), &'static str> {
        match c.price {
            Some(price) if price != order.price && order.market => Err("invalid_price"),
            Some(price)
                if price != order.price && self.only_price(order.instrument).is_some_and(|only| only != price) =>
            {
                Err("not_in_session")
            }
            _ => Ok(()),
        }
    }

    pub(super) fn change_session(&mut self, c: &ChangeSession<'_>) -> Result<(), Refused> {
        let Some(at) = self.instrument(c.instrument_id) else { return venue("unknown_instrument") };
        let before = std::mem::replace(&mut self.instruments[at].session, c.session);
        self.instruments[at].told = None;
        let data = Object::new()
            .id("instrument_id", "inst", c.instrument_id)
            .text("symbol", &self.instruments[at].symbol)
            .text("session", session_text(c.session))
            .text("reason", c.reason);
        self.tell("SessionChanged", &uuid("inst", c.instrument_id), data);
        if self.collects(at) || c.session == Session::Halt {
            return Ok(());
        }
        if c.session != Session::Closed || is_call(before) {
            while let Some((price, _, _)) = self.auction(at) {
                self.uncross(at, price);
            }
        }
        let mut passed = self.open.clone();
        passed.retain(|number| self.orders[number].instrument == at && self.orders[number].market);
        passed.sort_unstable();
        for number in passed {
            self.end(number, "no_liquidity");
        }
        if c.session == Session::Closed {
            self.expire_day_orders(at);
        } else {
            self.opened(at);
        }
        Ok(())
    }

    fn expire_day_orders(&mut self, instrument: usize) {
        let mut ending: Vec<u64> = self.open.clone();
        ending.retain(|number| {
            self.orders[number].instrument == instrument && self.orders[number].time_in_force == TimeInForce::Day
        });
        ending.sort_by_key(|number| {
            let order = &self.orders[number];
            let price = i128::from(order.price);
            let price = if order.side == Side::Buy { -price } else { price };
            (order.waiting.is_some().then_some(*number), order.side, price, order.hidden, order.priority)
        });
        for number in ending {
            self.end(number, "session_end");
        }
    }

    fn resting(&self, at: usize) -> Vec<&Order> {
        let orders = self.open.iter().map(|number| &self.orders[number]);
        orders.filter(|order| order.instrument == at && order.priority.is_some()).collect()
    }

    /// Lots that would be traded at a price, and those left over, negative for sellers.
    fn at_price(&self, at: usize, price: u64) -> (i128, i128) {
        let sum = |side: Side| -> i128 {
            let reach = |order: &Order| if side == Side::Buy { order.price >= price } else { order.price <= price };
            let orders = self.resting(at).into_iter().filter(|order| order.side == side && reach(order));
            orders.map(|order| i128::from(order.leaves)).sum()
        };
        let (bought, sold) = (sum(Side::Buy), sum(Side::Sell));
        (bought.min(sold), bought - sold)
    }

    /// The price that trades the most, and of those the one that the other rules prefer; then how much, and what is left.
    fn auction(&self, at: usize) -> Option<(u64, i128, i128)> {
        let resting = self.resting(at);
        let highest = resting.iter().filter(|order| order.side == Side::Buy).map(|order| order.price).max()?;
        let lowest = resting.iter().filter(|order| order.side == Side::Sell).map(|order| order.price).min()?;
        let reference = self.instruments[at].last_trade;
        if highest < lowest {
            return None;
        }
        let mut named: Vec<u64> = resting.iter().filter(|order| !order.market).map(|order| order.price).collect();
        named.retain(|price| (lowest..=highest).contains(price));
        named.sort_unstable();
        named.dedup();
        let volume = named.iter().map(|price| self.at_price(at, *price).0).max().unwrap_or(0);
        named.retain(|price| self.at_price(at, *price).0 == volume);
        let least = named.iter().map(|price| self.at_price(at, *price).1.abs()).min().unwrap_or(0);
        named.retain(|price| self.at_price(at, *price).1.abs() == least);
        let with_buyers = named.iter().copied().filter(|price| self.at_price(at, *price).1 > 0).max();
        let with_sellers = named.iter().copied().filter(|price| self.at_price(at, *price).1 < 0).min();
        let (low, high) = match (with_buyers, with_sellers) {
            _ if named.is_empty() && reference == 0 => return None,
            _ if named.is_empty() => (lowest, highest),
            (Some(low), Some(high)) => (low, high),
            (Some(price), None) | (None, Some(price)) => (price, price),
            (None, None) => (named[0], named[named.len() - 1]),
        };
        let price = if reference == 0 { high } else { reference.max(low).min(high) };
        let (volume, surplus) = self.at_price(at, price);
        Some((price, volume, surplus))
    }

    pub(super) fn tell_indicative(&mut self, at: usize) {
        if !is_call(self.instruments[at].session) {
            return;
        }
        let auction = self.auction(at);
        if std::mem::replace(&mut self.instruments[at].told, auction) != auction {
            self.tell_auction(at, "IndicativeChanged", auction);
        }
    }

    fn tell_auction(&mut self, at: usize, event_type: &str, auction: Option<(u64, i128, i128)>) {
        let instrument = &self.instruments[at];
        let lots = |count: i128| instrument.quantity(count.unsigned_abs() as u64);
        let (price, volume, surplus) = auction.unwrap_or_default();
        let side = if surplus > 0 { Side::Buy } else { Side::Sell };
        let data = Object::new()
            .id("instrument_id", "inst", id(at as u64 + 1))
            .text("symbol", &instrument.symbol)
            .optional("price", auction.map(|_| instrument.price(price)))
            .text("volume", &lots(volume))
            .text("surplus", &lots(surplus))
            .if_there("surplus_side", (surplus != 0).then(|| side_text(side).to_owned()));
        self.tell(event_type, &uuid("inst", id(at as u64 + 1)), data);
    }

    /// All that reaches the price on both sides trades at it, or is kept from itself.
    fn uncross(&mut self, at: usize, price: u64) {
        let mut volume = 0;
        self.instruments[at].uncrossing = true;
        while let (Some(ask), Some(bid)) = (self.best_opposite(at, Side::Buy), self.best_opposite(at, Side::Sell)) {
            let (buy, sell) = (self.orders[&bid].clone(), self.orders[&ask].clone());
            if buy.price < price || sell.price > price {
                break;
            }
            let lots = buy.leaves.min(sell.leaves);
            let (older, younger) = if buy.priority < sell.priority { (bid, ask) } else { (ask, bid) };
            let groups = (self.accounts[&buy.account].group, self.accounts[&sell.account].group);
            if buy.account == sell.account || groups.0 != 0 && groups.0 == groups.1 {
                self.keep_apart(at, older, younger, lots);
                continue;
            }
            self.trades += 1;
            let maker_fee = self.execute(older, price, lots, "MAKER");
            let taker_fee = self.execute(younger, price, lots, "TAKER");
            self.tell_trade([younger, older], price, lots, [taker_fee, maker_fee]);
            volume += i128::from(lots);
        }
        self.instruments[at].uncrossing = false;
        let (_, surplus) = self.at_price(at, price);
        self.tell_auction(at, "AuctionUncrossed", Some((price, volume, surplus)));
    }

    fn keep_apart(&mut self, at: usize, older: u64, younger: u64, lots: u64) {
        let ending: &[u64] = match self.mode(at, self.orders[&younger].self_trade) {
            SelfTradePrevention::CancelNewest => &[younger],
            SelfTradePrevention::CancelOldest => &[older],
            SelfTradePrevention::CancelBoth => &[older, younger],
            SelfTradePrevention::DecrementAndCancel => {
                self.shrink(older, lots);
                self.shrink(younger, lots);
                return;
            }
        };
        for number in ending {
            self.end(*number, "self_trade");
        }
    }
}
