//! Looking at what commands are about to need, so that the memory is near when they need it.
//!
//! A command goes from its order's number to the order, from there to the account and to the orders beside it in the
//! queue: each look waits for the one before, and a busy venue does not fit in the processor's caches. Looked at step by
//! step for several commands, the looks of one step wait together. Nothing is changed, and no outcome depends on it.

use std::hint::black_box;

use super::Engine;
use crate::book::NONE;
use crate::command::{Command, PlaceOrder, Stamped};
use crate::event::Instrument;
use crate::id;
use crate::order_index::Place;
use crate::vocabulary::Side;

/// Commands that are looked at together: enough to wait for memory once, few enough to stay near.
pub(crate) const COMMANDS_TOGETHER: usize = 8;

/// Orders that a new one is expected to trade with: few need more.
const MAKERS: usize = 4;

/// What a command is about, as far as it is known without deciding it.
#[derive(Clone, Copy)]
struct About {
    account: u32,
    instrument: u32,
    /// Of an order that is open, or of the last one where a new one is to rest; else [`NONE`].
    slot: u32,
    side: Side,
    price: u64,
    /// Of a new order; of one that is open it is not needed.
    quantity: u64,
    /// Whom a new order is going to trade with.
    makers: [u32; MAKERS],
}

impl Engine {
    /// Looks at what at most [`Engine::FORESEEN_MAX`] commands are about; of more, at that of the first.
    pub fn foresee(&self, commands: &[Stamped<'_>]) {
        let mut about = [None; COMMANDS_TOGETHER];
        for (about, stamped) in about.iter_mut().zip(commands) {
            *about = self.about(&stamped.command);
        }
        let seen = about.iter_mut().flatten().fold(0, |seen, about| seen ^ self.look_at_order(about));
        let seen = about.iter().flatten().fold(seen, |seen, about| seen ^ self.look_around(about));
        black_box(seen);
    }

    /// How many commands are looked at together.
    pub const FORESEEN_MAX: usize = COMMANDS_TOGETHER;

    /// First step: the number's entry and the account.
    fn about(&self, command: &Command<'_>) -> Option<About> {
        let (account_id, order_id) = match command {
            Command::PlaceOrder(c) => {
                let account = self.accounts.find(c.account_id)?;
                let instrument = self.find_instrument(c.instrument_id)?.0;
                let price = if c.order_type.has_price() { c.price } else { farthest(c) };
                let (side, quantity) = (c.side, c.quantity);
                return Some(About { account, instrument, slot: NONE, side, price, quantity, makers: [NONE; MAKERS] });
            }
            Command::CancelOrder(c) => (c.account_id, c.order_id),
            Command::ReplaceOrder(c) => (c.account_id, c.order_id),
            _ => return None,
        };
        let account = self.accounts.find(account_id)?;
        match self.index.get(id::sequence_in(self.log_number, order_id)?) {
            Place::Open { instrument, slot } => {
                let (side, price, quantity, makers) = (Side::Buy, 0, 0, [NONE; MAKERS]);
                Some(About { account, instrument, slot, side, price, quantity, makers })
            }
            Place::Closed { .. } | Place::Unknown => None,
        }
    }

    /// Second step: the open order, or the level where a new one is to rest, or whom it is going to trade with.
    fn look_at_order(&self, about: &mut About) -> u64 {
        let market = &self.markets[about.instrument as usize];
        if about.slot == NONE {
            if market.book.crosses(about.side, about.price) {
                about.makers = market.book.first_makers(about.side.opposite(), about.quantity);
            } else {
                about.slot = market.book.last_at(about.side, about.price);
            }
            return 0;
        }
        let order = market.book.order(about.slot);
        (about.side, about.price) = (order.side(), order.price);
        market.beside.cum_notional(about.slot) as u64
    }

    /// Third step: what the account has of the asset that is held, and the orders beside.
    fn look_around(&self, about: &About) -> u64 {
        let Some(terms) = self.catalog.instrument(Instrument(about.instrument)) else { return 0 };
        let asset = if about.side == Side::Buy { terms.quote } else { terms.base };
        let market = &self.markets[about.instrument as usize];
        let account = self.accounts.get(about.account);
        let working = account.working.get(about.instrument);
        let held = account.holding(asset).hold as u64 ^ u64::from(working.last);
        if about.slot != NONE {
            return held ^ market.book.look_beside(about.slot);
        }
        if about.makers[0] == NONE {
            return held;
        }
        let traded = |account: u32| {
            let account = self.accounts.get(account);
            (account.holding(terms.base).balance ^ account.holding(terms.quote).balance) as u64
        };
        let makers = about.makers.into_iter().take_while(|slot| *slot != NONE);
        let maker = |slot| traded(market.book.order(slot).owner) ^ market.beside.cum_notional(slot) as u64;
        makers.fold(held ^ traded(about.account), |seen, slot| seen ^ maker(slot))
    }
}

/// A price that meets any other, for an order without one; one that waits meets nobody yet.
fn farthest(c: &PlaceOrder<'_>) -> u64 {
    let meets = (c.side == Side::Buy) != c.order_type.waits();
    if meets { u64::MAX } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{CancelOrder, ReplaceOrder};

    #[test]
    fn what_there_is_not_can_be_foreseen() {
        let engine = Engine::new(1).expect("a small log number");
        let replace = ReplaceOrder {
            account_id: u64::MAX,
            order_id: u64::MAX,
            quantity: None,
            price: None,
            trigger_price: None,
            client_order_id: None,
        };
        let commands = [
            Command::CancelOrder(CancelOrder { account_id: id::entity_id(1, 1), order_id: id::entity_id(1, 1) }),
            Command::ReplaceOrder(replace),
            Command::OpenVenue,
        ];
        let stamped = commands.map(|command| Stamped { stamp_ns: 1, command });
        engine.foresee(&stamped);
        engine.foresee(&[stamped[0]; 2 * COMMANDS_TOGETHER]);
    }
}
