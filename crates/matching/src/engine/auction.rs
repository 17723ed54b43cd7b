//! Calls: what is collected, what would trade, and the trades at one price at the end.

use super::Engine;
use super::entry::hold_of;
use super::self_trade::group_of;
use super::settle::{Settlement, push_order_event, working_status};
use crate::auction::Auction;
use crate::book::{Book, NO_GROUP, SelfTrade};
use crate::event::{
    AuctionUncrossed, Body, Events, Fee, IndicativeChanged, Instrument, LeftOut, OrderId, OrderRestated, Price,
    Quantity,
};
use crate::limit::INDICATIVE_LEVELS_MAX;
use crate::vocabulary::{Liquidity, Reason, Restated, Side};

impl Engine {
    /// Tells what a call would trade, if that is something else than before.
    pub(super) fn tell_indicative(&mut self, instrument: u32, events: &mut Events) {
        let market = &mut self.markets[instrument as usize];
        let Ok(auction) = market.auction(INDICATIVE_LEVELS_MAX) else { return };
        if std::mem::replace(&mut market.call.told, auction) == auction {
            return;
        }
        let body = IndicativeChanged {
            instrument_id: self.instrument_id(instrument),
            symbol: Instrument(instrument),
            price: auction.map(|auction| Price(auction.price)),
            volume: Quantity(auction.map_or(0, |auction| auction.volume)),
            surplus: Quantity(auction.map_or(0, |auction| auction.surplus)),
            surplus_side: LeftOut(auction.and_then(|auction| auction.surplus_side)),
        };
        self.emit_instrument(instrument, Body::IndicativeChanged(body), events);
    }

    /// Trades all that crosses at one price. Whether it is done: a command makes only so many trades. Where self-trade
    /// prevention has left something crossed, that trades at a price of its own.
    pub(super) fn uncross(&mut self, instrument: Instrument, events: &mut Events) -> bool {
        loop {
            let market = &mut self.markets[instrument.0 as usize];
            if market.call.price == 0 {
                let Ok(Some(Auction { price, .. })) = market.auction(usize::MAX) else { return true };
                market.call.price = price;
            }
            if !self.trade_at_one_price(instrument, events) {
                return false;
            }
            let call = &mut self.markets[instrument.0 as usize].call;
            let (price, volume) = (std::mem::take(&mut call.price), std::mem::take(&mut call.volume));
            let (surplus, surplus_side) = self.markets[instrument.0 as usize].left_over(price);
            let body = AuctionUncrossed {
                instrument_id: self.instrument_id(instrument.0),
                symbol: instrument,
                price: Price(price),
                volume: Quantity(volume),
                surplus: Quantity(surplus),
                surplus_side: LeftOut(surplus_side),
            };
            self.emit_instrument(instrument.0, Body::AuctionUncrossed(body), events);
        }
    }

    /// By price and time on both sides, until one has nobody left at the price. Whether that is so.
    fn trade_at_one_price(&mut self, instrument: Instrument, events: &mut Events) -> bool {
        while let Some(pair) = self.next_pair(instrument) {
            if self.trades_left() == 0 {
                return false;
            }
            self.meet(instrument, pair, events);
        }
        true
    }

    /// The orders that are served next, the one that rests longer first.
    fn next_pair(&self, instrument: Instrument) -> Option<[u32; 2]> {
        let market = &self.markets[instrument.0 as usize];
        let [bid, ask] = [market.book.front(Side::Buy)?, market.book.front(Side::Sell)?];
        let (buy, sell) = (market.book.order(bid), market.book.order(ask));
        let meets = buy.price >= market.call.price && sell.price <= market.call.price;
        meets.then_some(if buy.priority < sell.priority { [bid, ask] } else { [ask, bid] })
    }

    fn meet(&mut self, instrument: Instrument, pair: [u32; 2], events: &mut Events) {
        let market = &mut self.markets[instrument.0 as usize];
        let [older, younger] = pair.map(|slot| *market.book.order(slot));
        let [group, other] = [older, younger].map(|order| group_of(&self.accounts, order.owner));
        if older.owner == younger.owner || group != NO_GROUP && group == other {
            self.prevented += 1;
            return self.keep_apart(instrument.0, pair, events);
        }
        let taker = self.taker_of(instrument.0, pair[1]);
        let market = &mut self.markets[instrument.0 as usize];
        let lots = older.leaves.min(younger.leaves);
        let price = market.call.price;
        market.call.volume += lots;
        market.triggers.last_trade = price;
        let mut settlement = Settlement {
            accounts: &mut self.accounts,
            index: &mut self.index,
            beside: &mut market.beside,
            attributes: &mut market.attributes,
            timers: &mut self.timers,
            last_of_taker: events.list.len(),
            events,
            market_version: &mut market.version,
            next_trade: &mut self.next_trade,
            terms: self.catalog.instrument(instrument).expect("a market has terms"),
            instrument,
            log_number: self.log_number,
            taker,
            prevented_trades: 0,
            prices: [price; 2],
            price,
        };
        settlement.trade_resting(&mut market.book, pair, lots);
    }

    /// Two orders would trade with themselves: the word of the one that rests less long counts.
    fn keep_apart(&mut self, instrument: u32, [older, younger]: [u32; 2], events: &mut Events) {
        let market = &self.markets[instrument as usize];
        let mode = self.self_trade_of(instrument, market.self_trade_chosen(younger));
        let lots = market.book.order(older).leaves.min(market.book.order(younger).leaves);
        match mode {
            SelfTrade::CancelNewest => self.end_order(instrument, younger, Reason::SelfTrade, events),
            SelfTrade::CancelOldest => self.end_order(instrument, older, Reason::SelfTrade, events),
            SelfTrade::CancelBoth => {
                self.end_order(instrument, older, Reason::SelfTrade, events);
                self.end_order(instrument, younger, Reason::SelfTrade, events);
            }
            SelfTrade::Decrement => {
                self.shrink_order(instrument, older, lots, events);
                self.shrink_order(instrument, younger, lots, events);
            }
        }
    }

    /// A resting order loses lots without a trade, and ends if none are left.
    fn shrink_order(&mut self, instrument: u32, slot: u32, lots: u64, events: &mut Events) {
        let before = *self.markets[instrument as usize].book.order(slot);
        if before.leaves == lots {
            return self.end_order(instrument, slot, Reason::SelfTrade, events);
        }
        let quantity = before.quantity - lots;
        let held_at = self.markets[instrument as usize].attributes.held_at(slot, &before);
        let (asset, hold) = hold_of(self.terms(Instrument(instrument)), before.side(), held_at, lots);
        let postings = self.change_hold(before.owner, asset, -hold, events);
        let market = &mut self.markets[instrument as usize];
        market.book.set_leaves(slot, before.leaves - lots);
        let order = market.book.order_mut(slot);
        order.quantity = quantity;
        order.version += 1;
        let order = *order;
        let rests = Some(market.resting(slot));
        let body = OrderRestated {
            order_id: OrderId(order.id),
            account_id: self.account_id(order.owner),
            symbol: Instrument(instrument),
            side: order.side(),
            reason: Restated::SelfTrade,
            quantity: Quantity(quantity),
            status: working_status(quantity, order.leaves),
            cum_quantity: Quantity(order.executed()),
            leaves_quantity: Quantity(order.leaves),
            rests,
            postings,
        };
        push_order_event(events, body.order_id, u64::from(order.version), Body::OrderRestated(body));
    }

    /// Ends market orders whose auction has passed, the oldest first, at most `left` of them. Whether all have ended.
    pub(super) fn end_auction_orders(&mut self, instrument: u32, left: &mut usize, events: &mut Events) -> bool {
        let market = &self.markets[instrument as usize];
        let mut ending: Vec<u32> = market.attributes.for_auction().collect();
        ending.sort_unstable_by_key(|slot| market.book.order(*slot).id);
        let all = ending.len() <= *left;
        ending.truncate(*left);
        *left -= ending.len();
        for slot in ending {
            self.end_order(instrument, slot, Reason::NoLiquidity, events);
        }
        all
    }
}

impl Settlement<'_> {
    /// Two resting orders trade, the older one as the maker. Reserves trade too, and what is displayed stays as far as it
    /// is there.
    fn trade_resting(&mut self, book: &mut Book, pair: [u32; 2], lots: u64) {
        let fill = self.next_fill(self.price, lots);
        let [maker, taker] = pair.map(|slot| *book.order(slot));
        let mut fees = [Fee::default(); 2];
        for ((slot, liquidity), fee) in pair.into_iter().zip([Liquidity::Maker, Liquidity::Taker]).zip(&mut fees) {
            book.set_leaves(slot, book.order(slot).leaves - lots);
            let shown = book.displayed(slot);
            *fee = self.execute_resting(slot, book.order_mut(slot), fill, shown, liquidity);
            if book.order(slot).leaves == 0 {
                book.remove(slot);
            }
        }
        let of = |order: crate::book::Order| (OrderId(order.id), order.owner);
        self.tell_trade(fill, taker.side(), [of(maker), of(taker)], fees);
    }
}
