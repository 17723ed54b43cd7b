//! Random commands: the engine, its three ladders, its replay and its restored self against the oracle.
//!
//! `MATCHING_SEED` and `MATCHING_COMMANDS` choose another run; the default is a sample that fits in a test.

use std::collections::{BTreeMap, BTreeSet};

use matching::Engine;
use matching::book::Depth;
use matching::command::{Command, Stamped, TextArena};
use matching::event::{Body, EventData, Events};
use matching::id;
use matching::ladder::LadderKind;
use matching::vocabulary::{AccountKind, Reason, Side};

use crate::commands::{self, Known, Random};
use crate::reference::{LOG, Reference, Told};

/// What takes a million orders, a venue that is not open, or a listing that goes wrong; tables of rules have them.
const NEVER_BY_CHANCE: &[&str] = &[
    "venue_not_open",
    "instrument_orders_limit",
    "notional_not_whole",
    "invalid_terms",
    "capacity_reached",
    "trades_per_command",
    "uncrossing",
];
/// Steps between two comparisons of whole states.
const STRIDE: usize = 997;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |value| value.parse().expect("a whole number"))
}

struct Run {
    engine: Engine,
    others: Vec<Engine>,
    follower: Engine,
    reference: Reference,
    events: Events,
    scratch: Events,
    step: usize,
    counts: BTreeMap<&'static str, u64>,
    reasons: BTreeMap<&'static str, u64>,
}

impl Run {
    fn new() -> Self {
        let with = |ladder| Engine::with_ladder(LOG, ladder).expect("a small log number");
        Self {
            engine: with(LadderKind::Dense),
            others: vec![with(LadderKind::Sorted), with(LadderKind::Ordered)],
            follower: with(LadderKind::Ordered),
            reference: Reference::default(),
            events: Events::default(),
            scratch: Events::default(),
            step: 0,
            counts: BTreeMap::new(),
            reasons: BTreeMap::new(),
        }
    }

    /// Decides a command after what is due before it.
    fn decide(&mut self, command: Command<'static>) {
        self.step += 1;
        let stamp_ns = 1_000_000_007 * self.step as u64;
        while let Some(due) = self.engine.next_due_ns().filter(|due| *due <= stamp_ns) {
            self.apply(Stamped { stamp_ns: due, command: Command::FireDue });
        }
        self.apply(Stamped { stamp_ns, command });
        assert_eq!(self.engine.next_due_ns(), self.reference.next_due_ns(), "step {}", self.step);
    }

    fn apply(&mut self, Stamped { stamp_ns, command }: Stamped<'static>) {
        let mut texts = TextArena::default();
        let record = Stamped { stamp_ns, command }.encode(&mut texts);
        let stamped = Stamped::decode(&record, texts.bytes()).expect("an encoded command");
        assert_eq!(stamped.command, command, "what is decoded is what was encoded");
        self.events.clear();
        self.engine.apply(&stamped, &mut self.events);
        let told = self.follow();
        self.count();
        let expected = self.reference.apply(stamp_ns, &command);
        assert_eq!(told, expected, "step {}: {command:?}", self.step);
        for other in &mut self.others {
            let mut events = Events::default();
            other.apply(&stamped, &mut events);
            assert_eq!(events.list, self.events.list, "step {}: {command:?} with another ladder", self.step);
            assert_eq!(events.postings, self.events.postings);
            assert_eq!(events.terms, self.events.terms);
            assert_eq!(events.orders, self.events.orders);
            assert_eq!(events.fees, self.events.fees);
        }
        self.check_postings();
    }

    fn count(&mut self) {
        for event in &self.events.list {
            *self.counts.entry(event.body.event_type()).or_default() += 1;
            if let Some(reason) = reason_of(&event.body) {
                *self.reasons.entry(reason).or_default() += 1;
            }
        }
    }

    /// Replays what was decided, and shows it as the log would.
    fn follow(&mut self) -> Vec<Told> {
        // Memory that is written again: the room for one event of a long command is large.
        let (mut told, mut data) = (Vec::new(), EventData::default());
        for (index, event) in (0..).zip(&self.events.list) {
            data.clear();
            self.events.encode_into(&event.body, self.engine.catalog(), &mut data);
            let event_id = self.engine.event_id(index).render();
            self.follower
                .evolve_row(event.body.event_type(), &event_id, event.version, &data, &mut self.scratch)
                .unwrap_or_else(|misfit| panic!("step {}: {event:?}: {misfit}", self.step));
            let aggregate = id::render(event.aggregate.kind, event.aggregate.id);
            told.push(Told {
                event_type: event.body.event_type().to_owned(),
                aggregate: String::from_utf8(aggregate.to_vec()).expect("ASCII"),
                version: event.version,
                data: String::from_utf8(data.to_vec()).expect("UTF-8"),
            });
        }
        assert!(!told.is_empty(), "every command yields an event");
        told
    }

    /// Money only moves: each command's balance postings sum to zero per asset.
    fn check_postings(&self) {
        for asset in 0..self.engine.catalog().assets().len() as u32 {
            let of_asset = self.events.postings.iter().filter(|posting| posting.asset.0 == asset);
            let balance = of_asset.filter(|posting| posting.ledger.text() == "balance");
            assert_eq!(balance.map(|posting| posting.amount).sum::<i128>(), 0, "step {}", self.step);
        }
    }

    fn check_state(&mut self) {
        let hash = self.engine.state_hash().expect("the end of a command");
        assert_eq!(self.follower.state_hash().as_ref(), Ok(&hash), "replayed at step {}", self.step);
        for other in &self.others {
            assert_eq!(other.state_hash().as_ref(), Ok(&hash), "another ladder at step {}", self.step);
        }
        self.check_accounts();
        self.check_books();
        let snapshot = self.engine.snapshot().expect("the end of a command");
        let restored = Engine::restore(&snapshot).expect("a snapshot");
        assert_eq!(restored.snapshot().as_ref(), Ok(&snapshot), "restored at step {}", self.step);
        // From here on a restored engine decides, and another one that was restored follows.
        self.engine = restored;
        self.follower = Engine::restore_with_ladder(&snapshot, LadderKind::Sorted).expect("a snapshot");
    }

    fn check_accounts(&self) {
        let accounts = self.engine.accounts();
        let mut sums = vec![0; self.engine.catalog().assets().len()];
        for (index, account) in (0..).zip(accounts.list()) {
            let expected = &self.reference.accounts[&accounts.id_of(index).0];
            for (at, sum) in sums.iter_mut().enumerate() {
                let holding = account.holding(matching::event::Asset(at as u32));
                let funds = expected.funds.get(&at).copied().unwrap_or_default();
                assert_eq!((holding.balance, holding.hold), funds, "account {index}, asset {at}");
                *sum += holding.balance;
                let bounded = match account.kind {
                    AccountKind::External => holding.hold == 0,
                    AccountKind::Clearing => (holding.balance, holding.hold) == (0, 0),
                    AccountKind::Customer | AccountKind::House => (0..=holding.balance).contains(&holding.hold),
                };
                assert!(bounded, "account {index}: {holding:?}");
            }
        }
        assert!(sums.iter().all(|sum| *sum == 0), "assets are conserved");
    }

    fn check_books(&self) {
        for (at, market) in self.engine.markets().iter().enumerate() {
            let (bid, ask) = (market.book.best(Side::Buy), market.book.best(Side::Sell));
            let crossed = bid.is_some() && ask.is_some() && bid >= ask;
            assert!(!crossed || !market.session.matches(), "a crossed book: {bid:?} {ask:?}");
            for side in [Side::Buy, Side::Sell] {
                let levels: Vec<Depth> = market.book.depth(side).collect();
                assert_eq!(levels, self.expected_levels(at, side), "step {}", self.step);
            }
        }
    }

    fn expected_levels(&self, instrument: usize, side: Side) -> Vec<Depth> {
        let mut levels = BTreeMap::new();
        for number in &self.reference.open {
            let order = &self.reference.orders[number];
            if order.instrument == instrument && order.side == side && order.waiting.is_none() && !order.hidden {
                let level = levels.entry(order.price).or_insert(Depth { price: order.price, quantity: 0, orders: 0 });
                level.quantity += order.shown;
                level.orders += 1;
            }
        }
        let mut levels: Vec<Depth> = levels.into_values().collect();
        if side == Side::Buy {
            levels.reverse();
        }
        levels
    }
}

#[test]
fn every_command_is_decided_as_the_oracle_decides_it() {
    let (seed, count) = (setting("MATCHING_SEED", 1), setting("MATCHING_COMMANDS", 100_000));
    let mut run = Run::new();
    let mut random = Random(seed);
    for _ in 0..3 {
        // Nothing is open yet: each of these must be refused, and replayed.
        let early = commands::next(&mut random, &Known { orders: 3, now_ms: 0, open: &[] }, |_| None);
        if !matches!(early, Command::OpenVenue) {
            run.decide(early);
        }
    }
    for command in commands::opening() {
        run.decide(command);
    }
    for step in 0..count as usize {
        let orders = &run.reference.orders;
        let known = Known { orders: orders.len() as u64, now_ms: run.reference.now_ms, open: &run.reference.open };
        let command = commands::next(&mut random, &known, |order_id| {
            orders.get(&(order_id & id::SEQUENCE_MAX)).map(|order| order.account)
        });
        run.decide(command);
        if step % STRIDE == 0 {
            run.check_state();
        }
    }
    run.check_state();
    let Run { counts, reasons, .. } = &run;
    if count >= 10_000 {
        let deferred = ["TriggersDeferred", "TriggersResumed", "AuctionDeferred", "AuctionResumed"];
        let occur = counts.keys().filter(|kind| !deferred.contains(kind)).count();
        assert_eq!(
            occur,
            Body::TYPES.len() - deferred.len(),
            "every event type but deferred triggers occurs: {counts:?}"
        );
    }
    if count >= 100_000 {
        let missing = Reason::ALL.iter().map(|reason| reason.text()).filter(|reason| !reasons.contains_key(reason));
        let missing: BTreeSet<_> = missing.collect();
        let expected: BTreeSet<_> = NEVER_BY_CHANCE.iter().copied().collect();
        assert_eq!(missing, expected, "every reason occurs: {reasons:?}");
    }
    println!("{count} commands of seed {seed}: {counts:?}, {reasons:?}");
}

fn reason_of(body: &Body) -> Option<&'static str> {
    match body {
        Body::OrderRejected(e) => Some(e.reason.text()),
        Body::OrderCanceled(e) => Some(e.reason.text()),
        Body::OrderExpired(e) => Some(e.reason.text()),
        Body::OrderCancelRejected(e) => Some(e.reason.text()),
        Body::CommandRefused(e) => Some(e.reason.text()),
        _ => None,
    }
}
