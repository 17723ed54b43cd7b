//! Sessions: what an instrument takes at a time, and what a change of session brings.

use super::{Engine, Refusal};
use crate::command::ChangeSession;
use crate::event::{
    AuctionDeferred, AuctionResumed, Body, Events, Instrument, LeftOut, Price, Quantity, SessionChanged, Text,
};
use crate::id::EntityKind;
use crate::limit::{CANCELS_PER_COMMAND_MAX, ENDS_AFTER_TRADES_MAX};
use crate::market::Market;
use crate::vocabulary::{Reason, Session};

impl Market {
    /// The one price at which it trades, at the closing price only; zero: at any.
    pub(crate) fn only_price(&self) -> u64 {
        if self.session == Session::ClosingPriceCross { self.triggers.last_trade } else { 0 }
    }
}

impl Engine {
    /// Whether orders match and trigger there as they come.
    pub(super) fn is_trading(&self, instrument: u32) -> bool {
        self.markets[instrument as usize].session == Session::Continuous && !self.unfinished.contains(&instrument)
    }

    /// Checks: market_closed, market_halted, uncrossing.
    pub(super) fn check_session(&self, instrument: u32) -> Result<(), Reason> {
        match self.markets[instrument as usize].session {
            Session::Closed => Err(Reason::MarketClosed),
            Session::Halt => Err(Reason::MarketHalted),
            _ if self.unfinished.contains(&instrument) => Err(Reason::Uncrossing),
            _ => Ok(()),
        }
    }

    /// Checks: unknown_instrument, uncrossing.
    pub(super) fn change_session(&mut self, c: &ChangeSession<'_>, events: &mut Events) -> Result<(), Refusal> {
        let instrument = self.find_instrument(c.instrument_id).ok_or(Refusal::of_venue(Reason::UnknownInstrument))?;
        if self.unfinished.contains(&instrument.0) {
            return Err(Refusal::of(Reason::Uncrossing, EntityKind::Instrument, c.instrument_id));
        }
        let reason = events.add_text(c.reason);
        self.enter_session(instrument, c.session, reason, events);
        Ok(())
    }

    /// Where orders match again, and at the end of a call before a close, what was collected trades.
    fn enter_session(&mut self, instrument: Instrument, session: Session, reason: Text, events: &mut Events) {
        let before = self.assign_session(instrument.0, session);
        let instrument_id = self.instrument_id(instrument.0);
        let body = SessionChanged { instrument_id, symbol: instrument, session, reason };
        self.emit_instrument(instrument.0, Body::SessionChanged(body), events);
        if session.collects() || session == Session::Halt {
            return self.touch(instrument.0);
        }
        let uncrosses = session.matches() || before.is_call();
        self.settle_session(instrument, uncrosses, Beginning::Now, events);
    }

    pub(super) fn assign_session(&mut self, instrument: u32, session: Session) -> Session {
        let market = &mut self.markets[instrument as usize];
        market.call.told = None;
        std::mem::replace(&mut market.session, session)
    }

    /// The auction, then the end of the orders that were for it, at a close of day orders too. What is too much for one
    /// command is due at once; but a close that made no auction ends as many day orders as it may, and closing again ends
    /// the next ones.
    fn settle_session(&mut self, instrument: Instrument, uncrosses: bool, beginning: Beginning, events: &mut Events) {
        let session = self.markets[instrument.0 as usize].session;
        let mut done = !uncrosses || self.uncross(instrument, events);
        let traded = self.steps_made() > 0;
        let mut left = if traded { ENDS_AFTER_TRADES_MAX } else { CANCELS_PER_COMMAND_MAX } as usize;
        done = done && self.end_auction_orders(instrument.0, &mut left, events);
        if done && session == Session::Closed {
            let all = self.end_day_orders(instrument.0, left, events);
            done = all || !traded && beginning == Beginning::Now;
        }
        if !done {
            return self.defer_session(instrument, events);
        }
        if session == Session::Continuous {
            self.markets[instrument.0 as usize].triggers.look_back();
            self.touch(instrument.0);
        }
    }

    /// Bids from the best, then asks, each level in its order. Whether all have ended.
    fn end_day_orders(&mut self, instrument: u32, most: usize, events: &mut Events) -> bool {
        let mut ending: Vec<u32> = self.markets[instrument as usize].day_orders().take(most + 1).collect();
        let all = ending.len() <= most;
        ending.truncate(most);
        for slot in ending {
            self.end_order(instrument, slot, Reason::SessionEnd, events);
        }
        all
    }

    fn defer_session(&mut self, instrument: Instrument, events: &mut Events) {
        self.unfinished.insert(instrument.0);
        let call = self.markets[instrument.0 as usize].call;
        let body = AuctionDeferred {
            instrument_id: self.instrument_id(instrument.0),
            symbol: instrument,
            price: LeftOut((call.price != 0).then_some(Price(call.price))),
            volume: Quantity(call.volume),
        };
        self.emit_instrument(instrument.0, Body::AuctionDeferred(body), events);
    }

    /// What a change of session has left goes on.
    pub(super) fn resume_session(&mut self, instrument: u32, events: &mut Events) {
        self.unfinished.remove(&instrument);
        let (instrument_id, symbol) = (self.instrument_id(instrument), Instrument(instrument));
        self.emit_instrument(instrument, Body::AuctionResumed(AuctionResumed { instrument_id, symbol }), events);
        let uncrosses = self.markets[instrument as usize].call.price != 0;
        self.settle_session(symbol, uncrosses, Beginning::Before, events);
    }

    /// The symbols whose close has ended some of their day orders and not all: what was to close them again was lost.
    pub fn unfinished_closes(&self) -> impl Iterator<Item = &str> {
        let listed = self.markets.iter().zip(self.catalog.instruments());
        let unfinished =
            listed.filter(|(market, _)| market.session == Session::Closed && market.day_orders().next().is_some());
        unfinished.map(|(_, terms)| terms.symbol.as_str())
    }
}

/// Whether a change of session is what the command asks, or goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beginning {
    Now,
    Before,
}
