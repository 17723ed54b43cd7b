//! A quick look at the speed of one thread through the whole engine, accounts and holds included.
//!
//! Prints one JSON object a line: what was measured, and commands or events a second.

// Numbers of orders are far below 2^32 here.
#![allow(clippy::cast_possible_truncation)]

use std::time::Instant;

use matching::Engine;
use matching::batch::Batch;
use matching::book::{Book, Incoming, Order, Sink};
use matching::command::{
    CancelOrder, ChangeLimits, Command, ListAsset, ListInstrument, OpenAccount, PlaceOrder, Stamped, Terms, TextArena,
    Transfer,
};
use matching::event::{Body, Events};
use matching::id::entity_id;
use matching::ladder::LadderKind;
use matching::number::Unit;
use matching::vocabulary::{AssetKind, OrderType, Side, TimeInForce};

const LOG: u16 = 1;
const ACCOUNTS: u64 = 10_000;
const INSTRUMENTS: u64 = 100;
/// External, house, a clearing account an instrument, then the customers.
const FIRST_CUSTOMER: u64 = 3 + INSTRUMENTS;
const COMMANDS: u64 = 1_000_000;

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

fn opening() -> Vec<Command<'static>> {
    let unit = |mantissa, scale| Unit { mantissa, scale };
    let mut commands =
        vec![Command::OpenVenue, Command::ListAsset(ListAsset { symbol: "USD", scale: 10, kind: AssetKind::Currency })];
    for number in 0..INSTRUMENTS {
        let symbol: &'static str = format!("S{number}").leak();
        commands.push(Command::ListAsset(ListAsset { symbol, scale: 0, kind: AssetKind::Security }));
        commands.push(Command::ListInstrument(ListInstrument {
            symbol,
            base: entity_id(LOG, 2 + number),
            quote: entity_id(LOG, 1),
            price_unit: unit(1, 2),
            lot_unit: unit(1, 0),
            max_price: 10_000_000,
            max_quantity: 1_000_000,
            protection_ppm: 50_000,
            calendar: "",
        }));
    }
    for customer in 0..ACCOUNTS {
        commands.push(Command::OpenAccount(OpenAccount { user_id: "someone" }));
        let account_id = entity_id(LOG, FIRST_CUSTOMER + customer);
        for asset in 1..=INSTRUMENTS + 1 {
            let asset_id = entity_id(LOG, asset);
            commands.push(Command::Deposit(Transfer { account_id, asset_id, amount: 1 << 80 }));
        }
        commands.push(Command::ChangeLimits(ChangeLimits {
            account_id,
            max_order_notional: None,
            max_order_quantity: None,
            max_open_orders: Some(1_000_000),
        }));
    }
    commands
}

/// Orders of which about `crossing_percent` meet the other side; with cancels of what rests in between.
fn trading(random: &mut Random, crossing_percent: u64, first_order: u64) -> Vec<Command<'static>> {
    let mut open = Vec::new();
    let mut next_order = first_order;
    let mut commands = Vec::new();
    for _ in 0..COMMANDS {
        if random.below(2) == 0 && !open.is_empty() {
            let (account_id, order_id) = open.swap_remove(random.below(open.len() as u64) as usize);
            commands.push(Command::CancelOrder(CancelOrder { account_id, order_id }));
            continue;
        }
        let account_id = entity_id(LOG, FIRST_CUSTOMER + random.below(ACCOUNTS));
        let side = if random.below(2) == 0 { Side::Buy } else { Side::Sell };
        let reach = if random.below(100) < crossing_percent { 30 } else { 0 };
        let away = 1 + random.below(100);
        let price = match side {
            Side::Buy => 50_000 + reach - away,
            Side::Sell => 50_000 - reach + away,
        };
        open.push((account_id, entity_id(LOG, next_order)));
        next_order += 1;
        commands.push(Command::PlaceOrder(PlaceOrder {
            account_id,
            instrument_id: entity_id(LOG, 1 + random.below(INSTRUMENTS)),
            side,
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::Gtc,
            quantity: 1 + random.below(100),
            price,
            protection_price: 0,
            client_order_id: None,
            terms: Terms::default(),
        }));
    }
    commands
}

fn report(case: &str, count: usize, started: Instant, unit: &str) {
    let seconds = started.elapsed();
    let rate = count as u128 * 1_000_000_000 / seconds.as_nanos().max(1);
    println!("{{\"bench\":\"matching-quick\",\"case\":\"{case}\",\"value\":{rate},\"unit\":\"{unit}\"}}");
}

fn decide(engine: &mut Engine, case: &str, commands: &[Command<'static>]) {
    let mut events = Events::default();
    let mut trades = 0;
    let started = Instant::now();
    for (stamp_ns, command) in (0..).zip(commands) {
        events.clear();
        engine.apply(&Stamped { stamp_ns, command: *command }, &mut events);
        trades += events.list.iter().filter(|event| matches!(event.body, Body::TradeExecuted(_))).count();
    }
    report(case, commands.len(), started, "commands/s");
    println!("  {trades} trades");
}

/// Counts what trades: the cheapest sink.
#[derive(Default)]
struct Count {
    trades: u64,
    gone: Vec<u32>,
}

impl Sink for Count {
    fn traded(&mut self, slot: u32, maker: &mut Order, _quantity: u64) {
        self.trades += 1;
        if maker.leaves == 0 {
            self.gone.push(slot);
        }
    }
}

/// One book without accounts: half of the commands enter (a few of them meet the other side), half cancel.
fn book_alone(ladder: LadderKind, case: &str) {
    let mut book = Book::new(ladder);
    let (mut random, mut sink) = (Random(5), Count::default());
    let mut open: Vec<(u32, u64)> = Vec::new();
    let mut priorities = vec![0u64; 1 << 21];
    let started = Instant::now();
    for id in 0..2 * COMMANDS {
        if random.below(100) < 45 && !open.is_empty() {
            let (slot, priority) = open.swap_remove(random.below(open.len() as u64) as usize);
            if priorities[slot as usize] == priority {
                priorities[slot as usize] = 0;
                book.remove(slot);
            }
            continue;
        }
        let side = if random.below(2) == 0 { Side::Buy } else { Side::Sell };
        let away = random.below(100);
        let limit = if side == Side::Buy { 50_010 - away } else { 49_990 + away };
        let mut incoming = Incoming::new(side, limit, 1 + random.below(100), (id % 5_000) as u32);
        book.take(&mut incoming, u32::MAX, &mut sink);
        for slot in sink.gone.drain(..) {
            priorities[slot as usize] = 0;
        }
        if incoming.leaves > 0 && !book.crosses(side, limit) {
            let slot = book.add(Order::new(id, side, TimeInForce::Gtc, limit, incoming.leaves, incoming.owner));
            priorities[slot as usize] = book.rest(slot);
            open.push((slot, priorities[slot as usize]));
        }
    }
    report(case, 2 * COMMANDS as usize, started, "commands/s");
    println!("  {} trades, {} left", sink.trades, book.len());
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    book_alone(LadderKind::Dense, "book-dense");
    book_alone(LadderKind::Sorted, "book-sorted");
    book_alone(LadderKind::Ordered, "book-ordered");
    let mut engine = Engine::new(LOG)?;
    let mut events = Events::default();
    for (stamp_ns, command) in (0..).zip(opening()) {
        events.clear();
        engine.apply(&Stamped { stamp_ns, command }, &mut events);
    }
    let opened = engine.snapshot()?;
    decide(&mut engine, "add-cancel", &trading(&mut Random(1), 0, 1));
    let mut engine = Engine::restore(&opened)?;
    let commands = trading(&mut Random(2), 30, 1);
    decide(&mut engine, "add-cancel-trade", &commands);

    let mut engine = Engine::restore(&opened)?;
    let mut texts = TextArena::default();
    let records: Vec<u8> =
        (0..).zip(&commands).flat_map(|(n, c)| Stamped { stamp_ns: n, command: *c }.encode(&mut texts)).collect();
    let started = Instant::now();
    let mut log = Vec::new();
    for chunk in records.chunks(128 * 1024) {
        log.push(Batch::execute(&mut engine, chunk, texts.bytes())?);
    }
    report("add-cancel-trade-encoded", commands.len(), started, "commands/s");
    let bytes: usize = log.iter().map(|batch| batch.data.len()).sum();
    let count: usize = log.iter().map(|batch| batch.rows.len()).sum();
    println!("  {count} events, {} bytes each", bytes / count);

    let mut replayed = Engine::restore(&opened)?;
    let mut scratch = Events::default();
    let started = Instant::now();
    for batch in &log {
        for row in &batch.rows {
            let data = &batch.data[row.start..row.end];
            replayed.evolve_row(row.event_type, &row.event_id, row.version, data, &mut scratch)?;
        }
    }
    report("replay", count, started, "events/s");
    let started = Instant::now();
    assert_eq!(replayed.state_hash(), engine.state_hash());
    report("state-hash", 2, started, "hashes/s");
    Ok(())
}
