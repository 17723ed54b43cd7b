//! What must hold for any bytes that reach the matching core.
//!
//! An input is a header of four bytes, records, and the texts that they point into. [`check`] executes it in batches;
//! it panics where the core does, or where something that always holds does not.

#![forbid(unsafe_code)]

use matching::Engine;
use matching::batch::{Batch, BatchError};
use matching::command::{RECORD_SIZE, Stamped, TextArena};
use matching::event::{Asset, Events, Posting};
use matching::ladder::LadderKind;
use matching::vocabulary::{AccountKind, Ledger, Session, Side};

mod mutation;
mod venue;
pub use mutation::mutate;
pub use venue::{CUSTOMERS, FIRST_CUSTOMER, INSTRUMENTS, LOG, opened_venue, opening};

/// Bytes before the records: flags, records of a batch less one, and how many bytes at the end are texts (`u16`).
pub const HEADER_SIZE: usize = 4;
/// Flag: the venue is open, funded and listed.
pub const OPENED: u8 = 1;
/// Flag: the price ladder is a sorted vector; else it is the default.
const SORTED: u8 = 1 << 1;
/// Events that one append of the log takes: no command may have more.
const EVENTS_PER_COMMAND_MAX: usize = 65_536;

/// An input, taken apart: there is none that cannot be.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    flags: u8,
    batch_size: usize,
    records: &'a [u8],
    texts: &'a [u8],
}

impl<'a> Input<'a> {
    /// Takes bytes apart; none if they are shorter than the header.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (&[flags, batch, low, high], rest) = bytes.split_first_chunk::<HEADER_SIZE>()?;
        let texts = usize::from(u16::from_le_bytes([low, high])).min(rest.len());
        let (records, texts) = rest.split_at(rest.len() - texts);
        Some(Self { flags, batch_size: usize::from(batch) + 1, records, texts })
    }

    /// The bytes of an input of whole records.
    ///
    /// # Panics
    /// If there are more texts than the header can tell.
    pub fn build(flags: u8, batch: u8, records: &[u8], texts: &[u8]) -> Vec<u8> {
        let [low, high] = u16::try_from(texts.len()).expect("texts below 64 KiB").to_le_bytes();
        [&[flags, batch, low, high], records, texts].concat()
    }
}

/// Executes an input batch by batch. Any bytes will do.
///
/// # Panics
/// Where the core breaks a promise; that is what it is for.
pub fn check(bytes: &[u8]) {
    let Some(input) = Input::parse(bytes) else { return };
    let mut subject = Subject::new(input.flags);
    // What is left over after whole records makes the last batch one of an odd length.
    for batch in input.records.chunks(input.batch_size * RECORD_SIZE) {
        subject.execute(batch, input.texts);
    }
}

/// The same venue three times: decided, decided on another ladder, and replayed.
struct Subject {
    engine: Engine,
    other: Engine,
    follower: Engine,
    scratch: Events,
}

impl Subject {
    fn new(flags: u8) -> Self {
        let engine = |ladder| {
            if flags & OPENED == 0 {
                Engine::with_ladder(LOG, ladder).expect("a small log number")
            } else {
                venue::opened(ladder)
            }
        };
        let ladder = if flags & SORTED == 0 { LadderKind::default() } else { LadderKind::Sorted };
        let (other, follower) = (engine(LadderKind::Ordered), engine(LadderKind::Ordered));
        Self { engine: engine(ladder), other, follower, scratch: Events::default() }
    }

    fn execute(&mut self, records: &[u8], texts: &[u8]) {
        let before = self.engine.command_sequence();
        let outcome = Batch::execute(&mut self.engine, records, texts);
        let again = Batch::execute(&mut self.other, records, texts);
        match (outcome, again) {
            (Ok(batch), Ok(same)) => {
                assert_eq!(batch.rows, same.rows, "the ladders differ");
                assert_eq!(batch.data, same.data, "the ladders differ");
                check_encoding(records, texts);
                self.follow(&batch);
            }
            (Err(error), Err(same)) => {
                assert_eq!(error, same);
                assert!(!matches!(error, BatchError::TooLarge), "an input is small");
                assert_eq!(self.engine.command_sequence(), before, "nothing of a refused batch is applied");
            }
            (outcome, again) => panic!("the ladders differ: {outcome:?}, {again:?}"),
        }
        self.check_state();
    }

    /// Replays what was decided, as the log has it.
    fn follow(&mut self, batch: &Batch) {
        let mut events = vec![0; batch.stamps.len()];
        for row in &batch.rows {
            let data = &batch.data[row.start..row.end];
            self.follower
                .evolve_row(row.event_type, &row.event_id, row.version, data, &mut self.scratch)
                .unwrap_or_else(|misfit| panic!("{}: {misfit}: {}", row.event_type, String::from_utf8_lossy(data)));
            check_conserved(&self.scratch.postings);
            events[row.command as usize] += 1;
        }
        assert!(events.iter().all(|count| (1..=EVENTS_PER_COMMAND_MAX).contains(count)), "{events:?}");
    }

    fn check_state(&self) {
        let snapshot = self.engine.snapshot().expect("the end of a command");
        assert_eq!(self.other.snapshot().as_ref(), Ok(&snapshot), "with another ladder");
        assert_eq!(self.follower.snapshot().as_ref(), Ok(&snapshot), "replayed");
        let restored = Engine::restore(&snapshot).unwrap_or_else(|error| panic!("its own snapshot: {error}"));
        assert_eq!(restored.state_hash(), self.engine.state_hash(), "restored");
        assert_eq!(restored.next_due_ns(), self.engine.next_due_ns(), "what is due after a restore");
        self.check_books();
        self.check_accounts();
    }

    fn check_books(&self) {
        for market in self.engine.markets() {
            let (bid, ask) = (market.book.best_with_hidden(Side::Buy), market.book.best_with_hidden(Side::Sell));
            let crossed = bid.zip(ask).is_some_and(|(bid, ask)| bid >= ask);
            assert!(!crossed || market.session != Session::Continuous, "a crossed book: {bid:?} {ask:?}");
        }
    }

    fn check_accounts(&self) {
        for asset in (0..).take(self.engine.catalog().assets().len()).map(Asset) {
            let mut sum = 0;
            for account in self.engine.accounts().list() {
                let holding = account.holding(asset);
                sum += holding.balance;
                let bounded = match account.kind {
                    AccountKind::External => holding.hold == 0,
                    AccountKind::Clearing => (holding.balance, holding.hold) == (0, 0),
                    AccountKind::Customer | AccountKind::House => (0..=holding.balance).contains(&holding.hold),
                };
                assert!(bounded, "{account:?}: {holding:?}");
            }
            assert_eq!(sum, 0, "asset {asset:?} is conserved");
        }
    }
}

/// What was decoded says the same when it is encoded and decoded again.
fn check_encoding(records: &[u8], texts: &[u8]) {
    for record in records.as_chunks::<RECORD_SIZE>().0 {
        let stamped = Stamped::decode(record, texts).expect("it was executed");
        let mut arena = TextArena::default();
        let encoded = stamped.encode(&mut arena);
        assert_eq!(Stamped::decode(&encoded, arena.bytes()), Ok(stamped));
    }
}

/// One event's balances sum to zero per asset.
fn check_conserved(postings: &[Posting]) {
    let balances = || postings.iter().filter(|posting| posting.ledger == Ledger::Balance);
    for posting in balances() {
        let of_asset = balances().filter(|other| other.asset == posting.asset);
        assert_eq!(of_asset.map(|other| other.amount).sum::<i128>(), 0, "{postings:?}");
    }
}
