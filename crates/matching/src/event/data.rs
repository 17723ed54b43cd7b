//! The data of events, one after another, in memory that is written once.

use std::ops::{Deref, DerefMut};

/// Bytes, and room behind them: a growing vector would look at its end for each piece of an event.
#[derive(Clone, Debug, Default)]
pub struct EventData {
    bytes: Vec<u8>,
    used: usize,
}

impl EventData {
    /// What follows other bytes.
    pub(super) fn after(bytes: Vec<u8>) -> Self {
        Self { used: bytes.len(), bytes }
    }

    /// The bytes alone.
    pub fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.truncate(self.used);
        self.bytes
    }

    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.used = 0;
    }

    /// Lets someone write into `room` bytes, who returns how many of them were not needed.
    pub(super) fn append(&mut self, room: usize, write: impl FnOnce(&mut [u8]) -> usize) {
        if self.bytes.len() - self.used < room {
            let more = room.max(self.bytes.len());
            self.bytes.resize(self.used + more, 0);
        }
        let left = write(&mut self.bytes[self.used..]);
        self.used = self.bytes.len() - left;
    }
}

impl Deref for EventData {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.used]
    }
}

impl PartialEq for EventData {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for EventData {}

impl DerefMut for EventData {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.used]
    }
}

#[cfg(test)]
mod tests {
    use crate::catalog::Catalog;
    use crate::event::{
        AccountId, AccountOpened, Asset, Body, CashDeposited, Events, Instrument, InstrumentId, OrderId, Orders,
        PegsMoved, Posting, Postings, Price, Span,
    };
    use crate::event::{Amount, Ledger};
    use crate::vocabulary::{AccountKind, Side};

    const MANY: u32 = 50_000;

    #[test]
    fn an_event_has_room_however_long_its_lists_are() {
        let mut events = Events::default();
        let all = Span { start: 0, length: MANY };
        let (account, asset, amount) = (AccountId(u64::MAX), Asset(0), -(1 << 120));
        let posting = Posting { account, asset, ledger: Ledger::Balance, amount, after: amount };
        events.postings = vec![posting; MANY as usize];
        events.orders = vec![OrderId(u64::MAX); MANY as usize];
        let user_id = events.add_text(&"\"".repeat(MANY as usize));
        let moved = PegsMoved {
            instrument_id: InstrumentId(u64::MAX),
            symbol: Instrument::UNKNOWN,
            side: Side::Sell,
            price: Price(u64::MAX),
            priority: u64::MAX,
            orders: Orders(all),
        };
        let opened = AccountOpened { account_id: account, user_id, kind: AccountKind::Customer };
        let deposited = CashDeposited { account_id: account, asset, amount: Amount(amount), postings: Postings(all) };
        let bodies = [Body::PegsMoved(moved), Body::AccountOpened(opened), Body::CashDeposited(deposited)];
        for (body, least) in bodies.into_iter().zip([39 * MANY, 2 * MANY, 130 * MANY]) {
            let mut out = b"before".to_vec();
            events.encode(&body, &Catalog::default(), &mut out);
            assert!(out.len() >= least as usize, "{} bytes of {}", out.len(), body.event_type());
            assert!(out.starts_with(b"before{") && out.ends_with(b"}"));
        }
    }
}
