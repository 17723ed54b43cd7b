//! Where each order is, by its number: pages of dense entries for the newest, so that finding one is two loads and no
//! hash; older open orders lie in a sorted list.
//!
//! The newest [`CLOSED_ORDERS_REMEMBERED`] numbers keep their account after the order closed; older closed numbers
//! are forgotten. Memory is bounded by the open orders and the window, not by the length of the log.

use std::collections::VecDeque;

use crate::limit::CLOSED_ORDERS_REMEMBERED;

const PAGE_BITS: u32 = 12;
const PAGE: u64 = 1 << PAGE_BITS;
/// Pages that stay dense: a million orders.
const DENSE_PAGES: u64 = 256;
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

/// Places by order number, from 1.
#[derive(Clone, Debug)]
pub struct OrderIndex {
    next: u64,
    first_page: u64,
    pages: VecDeque<Box<[u64]>>,
    old: OldOrders,
}

impl Default for OrderIndex {
    fn default() -> Self {
        Self { next: 1, first_page: 0, pages: VecDeque::new(), old: OldOrders::default() }
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
        let page = number >> PAGE_BITS;
        let entry = match page.checked_sub(self.first_page) {
            None => self.old.get(number),
            Some(at) => usize::try_from(at)
                .ok()
                .and_then(|at| self.pages.get(at))
                .map_or(EMPTY, |page| page[(number % PAGE) as usize]),
        };
        match entry {
            EMPTY => Place::Unknown,
            entry if entry & CLOSED == 0 => Place::Open { instrument: (entry >> 32) as u32, slot: entry as u32 },
            _ if number < self.remembered_from() => Place::Unknown,
            entry => Place::Closed { account: entry as u32 },
        }
    }

    /// Uses the next number for an open order.
    pub fn open(&mut self, instrument: u32, slot: u32) -> u64 {
        self.take_next(u64::from(instrument) << 32 | u64::from(slot))
    }

    /// Uses the next number for an order that has closed at once.
    pub fn skip(&mut self, account: u32) -> u64 {
        self.take_next(CLOSED | u64::from(account))
    }

    /// An open order closes.
    pub fn close(&mut self, number: u64, account: u32) {
        if number >> PAGE_BITS < self.first_page {
            self.old.remove(number);
        } else {
            *self.entry(number) = CLOSED | u64::from(account);
        }
    }

    /// An empty index that goes on at a number, for a snapshot.
    pub(crate) fn going_on_at(next: u64) -> Self {
        let first_page = (next >> PAGE_BITS).saturating_sub(DENSE_PAGES - 1);
        let pages = (first_page..=next >> PAGE_BITS).map(|_| new_page()).collect();
        Self { next, first_page, pages, old: OldOrders::default() }
    }

    /// For a snapshot: an open order; they come in the order of their numbers, all below the next.
    pub(crate) fn set_open(&mut self, number: u64, instrument: u32, slot: u32) {
        let entry = u64::from(instrument) << 32 | u64::from(slot);
        if number >> PAGE_BITS < self.first_page {
            self.old.push(number, entry);
        } else {
            *self.entry(number) = entry;
        }
    }

    /// For a snapshot: a closed order that is remembered.
    pub(crate) fn set_closed(&mut self, number: u64, account: u32) {
        *self.entry(number) = CLOSED | u64::from(account);
    }

    fn take_next(&mut self, entry: u64) -> u64 {
        let number = self.next;
        self.next += 1;
        if (number >> PAGE_BITS) - self.first_page >= self.pages.len() as u64 {
            self.add_page();
        }
        *self.entry(number) = entry;
        number
    }

    /// One more page; the oldest leaves its open orders to the list and is used again.
    fn add_page(&mut self) {
        if (self.pages.len() as u64) < DENSE_PAGES {
            self.pages.push_back(new_page());
            return;
        }
        let Some(mut page) = self.pages.pop_front() else { return };
        for (number, entry) in (self.first_page << PAGE_BITS..).zip(page.iter_mut()) {
            let entry = std::mem::replace(entry, EMPTY);
            if entry & CLOSED == 0 {
                self.old.push(number, entry);
            }
        }
        self.first_page += 1;
        self.pages.push_back(page);
    }

    fn entry(&mut self, number: u64) -> &mut u64 {
        &mut self.pages[((number >> PAGE_BITS) - self.first_page) as usize][(number % PAGE) as usize]
    }
}

fn new_page() -> Box<[u64]> {
    vec![EMPTY; PAGE as usize].into_boxed_slice()
}

/// Open orders by ascending number; closed ones stay as empty entries until they are half of the list.
#[derive(Clone, Debug, Default)]
struct OldOrders {
    list: Vec<(u64, u64)>,
    empty: usize,
}

impl OldOrders {
    fn get(&self, number: u64) -> u64 {
        self.find(number).map_or(EMPTY, |at| self.list[at].1)
    }

    fn push(&mut self, number: u64, entry: u64) {
        self.list.push((number, entry));
    }

    fn remove(&mut self, number: u64) {
        let Some(at) = self.find(number) else { return };
        self.list[at].1 = EMPTY;
        self.empty += 1;
        if self.empty > 64 && self.empty * 2 > self.list.len() {
            self.list.retain(|(_, entry)| *entry != EMPTY);
            self.empty = 0;
        }
    }

    fn find(&self, number: u64) -> Option<usize> {
        self.list.binary_search_by_key(&number, |(number, _)| *number).ok()
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
        for _ in 0..CLOSED_ORDERS_REMEMBERED - 1 {
            index.skip(1);
        }
        assert_eq!(index.get(gone), Place::Closed { account: 5 });
        index.skip(1);
        assert_eq!(index.get(gone), Place::Unknown);
        assert_eq!(index.get(kept), Place::Open { instrument: 3, slot: 7 });
        assert_eq!(index.get(index.next()), Place::Unknown);
        assert_eq!(index.get(u64::MAX), Place::Unknown);
    }

    #[test]
    fn an_order_older_than_every_page_is_found_and_closes() {
        let mut index = OrderIndex::default();
        let old: Vec<u64> = (0..200).map(|slot| index.open(1, slot)).collect();
        for _ in 0..(DENSE_PAGES + 2) * PAGE {
            let number = index.open(0, 0);
            index.close(number, 0);
        }
        assert_eq!(index.pages.len() as u64, DENSE_PAGES);
        assert_eq!(index.old.list.len(), 200);
        for (slot, number) in (0..).zip(&old) {
            assert_eq!(index.get(*number), Place::Open { instrument: 1, slot });
            index.close(*number, 0);
            assert_eq!(index.get(*number), Place::Unknown);
        }
        assert!(index.old.list.len() <= 129, "{} entries", index.old.list.len());
    }

    #[test]
    fn an_index_can_go_on_at_any_number() {
        for next in [1, PAGE - 1, PAGE, DENSE_PAGES * PAGE, (1 << 48) - 1] {
            let mut index = OrderIndex::going_on_at(next);
            assert_eq!(index.open(2, 9), next);
            assert_eq!(index.get(next), Place::Open { instrument: 2, slot: 9 });
        }
    }
}
