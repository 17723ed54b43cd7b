//! Where each order is, by its number: pages of dense entries, so that finding one is two loads and no hash.
//!
//! The newest [`CLOSED_ORDERS_REMEMBERED`] numbers keep their account after the order closed; older closed numbers
//! are forgotten, and pages without a live order are given back.

use crate::limit::CLOSED_ORDERS_REMEMBERED;

const PAGE_BITS: u32 = 12;
const PAGE: u64 = 1 << PAGE_BITS;
const CLOSED: u64 = 1 << 63;
const EMPTY: u64 = u64::MAX;
/// The account of an order that was rejected because there is no such account.
pub const NO_ACCOUNT: u32 = u32::MAX;

/// What is known of an order number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It is open.
    Open {
        /// Which instrument.
        instrument: u32,
        /// Which slot of its book.
        slot: u32,
    },
    /// It has closed.
    Closed {
        /// Index of its account, or [`NO_ACCOUNT`].
        account: u32,
    },
    /// Never used, or closed long ago.
    Unknown,
}

#[derive(Clone, Debug)]
struct Page {
    open: u32,
    entries: Box<[u64]>,
}

/// Places by order number, from 1.
#[derive(Clone, Debug)]
pub struct OrderIndex {
    pages: Vec<Option<Page>>,
    next: u64,
    swept: u64,
}

impl Default for OrderIndex {
    fn default() -> Self {
        Self { pages: Vec::new(), next: 1, swept: 0 }
    }
}

impl OrderIndex {
    /// The number of the next order.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The first number whose closed orders are remembered.
    pub fn remembered_from(&self) -> u64 {
        self.next.saturating_sub(CLOSED_ORDERS_REMEMBERED).max(1)
    }

    /// What is known of a number.
    pub fn get(&self, number: u64) -> Place {
        let page = usize::try_from(number >> PAGE_BITS).ok().and_then(|page| self.pages.get(page));
        let Some(Some(page)) = page else { return Place::Unknown };
        match page.entries[(number % PAGE) as usize] {
            EMPTY => Place::Unknown,
            entry if entry & CLOSED == 0 => Place::Open { instrument: (entry >> 32) as u32, slot: entry as u32 },
            _ if number < self.remembered_from() => Place::Unknown,
            entry => Place::Closed { account: entry as u32 },
        }
    }

    /// Uses the next number for an open order.
    pub fn open(&mut self, instrument: u32, slot: u32) -> u64 {
        let number = self.next;
        self.set_open(number, instrument, slot);
        self.advance(number + 1);
        number
    }

    /// Uses the next number for an order that has closed at once.
    pub fn skip(&mut self, account: u32) -> u64 {
        let number = self.next;
        *self.entry(number) = CLOSED | u64::from(account);
        self.advance(number + 1);
        number
    }

    /// An open order closes.
    pub fn close(&mut self, number: u64, account: u32) {
        *self.entry(number) = CLOSED | u64::from(account);
        let page = (number >> PAGE_BITS) as usize;
        if let Some(Some(held)) = self.pages.get_mut(page) {
            held.open -= 1;
        }
        self.sweep_page(page);
    }

    /// For a snapshot: an open order of any number below the next.
    pub(crate) fn set_open(&mut self, number: u64, instrument: u32, slot: u32) {
        *self.entry(number) = u64::from(instrument) << 32 | u64::from(slot);
        if let Some(Some(page)) = self.pages.get_mut((number >> PAGE_BITS) as usize) {
            page.open += 1;
        }
    }

    /// For a snapshot: a closed order.
    pub(crate) fn set_closed(&mut self, number: u64, account: u32) {
        *self.entry(number) = CLOSED | u64::from(account);
    }

    /// The next number becomes `next`; pages that are neither open nor remembered go.
    pub(crate) fn advance(&mut self, next: u64) {
        self.next = next;
        let keep = self.remembered_from() >> PAGE_BITS;
        while self.swept < keep {
            let page = self.swept as usize;
            self.swept += 1;
            self.sweep_page(page);
        }
    }

    fn sweep_page(&mut self, page: usize) {
        if (page as u64) < self.swept
            && let Some(held) = self.pages.get_mut(page)
            && held.as_ref().is_some_and(|page| page.open == 0)
        {
            *held = None;
        }
    }

    fn entry(&mut self, number: u64) -> &mut u64 {
        let page = usize::try_from(number >> PAGE_BITS).expect("order numbers fit in memory");
        if page >= self.pages.len() {
            self.pages.resize(page + 1, None);
        }
        let held = self.pages[page]
            .get_or_insert_with(|| Page { open: 0, entries: vec![EMPTY; PAGE as usize].into_boxed_slice() });
        &mut held.entries[(number % PAGE) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_orders_are_remembered_for_a_while_and_open_ones_for_ever() {
        let mut index = OrderIndex::default();
        let kept = index.open(3, 7);
        let gone = index.open(3, 8);
        index.close(gone, 5);
        assert_eq!(index.get(kept), Place::Open { instrument: 3, slot: 7 });
        assert_eq!(index.get(gone), Place::Closed { account: 5 });
        for _ in 0..CLOSED_ORDERS_REMEMBERED - 2 {
            index.skip(1);
        }
        assert_eq!(index.get(gone), Place::Closed { account: 5 });
        index.skip(1);
        index.skip(1);
        assert_eq!(index.get(gone), Place::Unknown);
        assert_eq!(index.get(kept), Place::Open { instrument: 3, slot: 7 });
        assert_eq!(index.get(index.next()), Place::Unknown);
        assert_eq!(index.get(u64::MAX), Place::Unknown);
    }

    #[test]
    fn pages_without_live_orders_are_given_back() {
        let mut index = OrderIndex::default();
        for _ in 0..10 * CLOSED_ORDERS_REMEMBERED {
            let number = index.open(0, 0);
            index.close(number, 0);
        }
        let held = index.pages.iter().flatten().count() as u64;
        assert!(held <= CLOSED_ORDERS_REMEMBERED / PAGE + 2, "{held} pages");
    }
}
