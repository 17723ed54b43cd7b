//! The parts of the core, each on its own: `cargo bench -p matching-bench`.

use divan::{Bencher, black_box};
use matching::Engine;
use matching::batch::Batch;
use matching::book::{Book, Incoming, Order, Sink};
use matching::command::{RECORD_SIZE, Stamped};
use matching::event::Events;
use matching::id::{self, EntityKind};
use matching::ladder::LadderKind;
use matching::number::{Unit, write_decimal};
use matching::order_index::OrderIndex;
use matching::vocabulary::{Side, TimeInForce};
use matching_bench::venue::Venue;

const SEED: u32 = 23;
const COMMANDS: usize = 1_024;
/// Orders that rest in a book of its own.
const RESTING: u64 = 1_000;

fn main() {
    divan::main();
}

#[divan::bench(args = [7, 21_486_670_000_000, 1 << 80])]
fn decimal(bencher: Bencher<'_, '_>, count: i128) {
    let mut text = Vec::with_capacity(64);
    bencher.bench_local(|| {
        text.clear();
        write_decimal(&mut text, black_box(count), Unit::ledger(10));
    });
}

#[divan::bench]
fn id_text() -> [u8; id::UUID_LENGTH] {
    id::render(EntityKind::Order, black_box(id::entity_id(1, 123_456)))
}

#[divan::bench]
fn order_index_open_find_close(bencher: Bencher<'_, '_>) {
    let mut index = OrderIndex::default();
    bencher.bench_local(|| {
        let number = index.open(3, 7);
        black_box(index.get(number));
        index.close(number, 5);
    });
}

/// Half on each side, a tick apart.
fn book() -> Book {
    let mut book = Book::new(LadderKind::default());
    for number in 0..RESTING {
        let (side, away) = (if number % 2 == 0 { Side::Buy } else { Side::Sell }, 1 + number / 2);
        rest(&mut book, number, side, away);
    }
    book
}

fn rest(book: &mut Book, number: u64, side: Side, away: u64) -> u32 {
    let price = if side == Side::Buy { 10_000 - away } else { 10_000 + away };
    let slot = book.add(Order::new(number, side, TimeInForce::Gtc, price, 10, 1));
    book.rest(slot);
    slot
}

#[divan::bench(args = [1, 100, 2_000])]
fn book_rest_and_remove(bencher: Bencher<'_, '_>, away: u64) {
    let mut book = book();
    bencher.bench_local(|| {
        let slot = rest(&mut book, RESTING, Side::Sell, away);
        book.remove(slot)
    });
}

struct Silent;

impl Sink for Silent {
    fn traded(&mut self, _slot: u32, _maker: &mut Order, _quantity: u64) {}
}

#[divan::bench]
fn book_rest_and_trade(bencher: Bencher<'_, '_>) {
    let mut book = book();
    bencher.bench_local(|| {
        rest(&mut book, RESTING, Side::Sell, 0);
        book.take(&mut Incoming::new(Side::Buy, 10_000, 10, 2), 1_000, &mut Silent)
    });
}

fn at(venue: &Venue) -> Engine {
    Engine::restore(&venue.opened.snapshot().expect("between commands")).expect("its own snapshot")
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn decide_1024(bencher: Bencher<'_, '_>) {
    let venue = Venue::new(SEED, COMMANDS);
    bencher.with_inputs(|| at(&venue)).bench_local_refs(|engine| {
        let mut events = Events::default();
        for together in venue.commands.chunks(Engine::FORESEEN_MAX) {
            engine.foresee(together);
            for command in together {
                events.clear();
                engine.apply(command, &mut events);
            }
        }
    });
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn decide_and_encode_1024(bencher: Bencher<'_, '_>) {
    let venue = Venue::new(SEED, COMMANDS);
    let records = venue.records();
    bencher
        .with_inputs(|| (at(&venue), Batch::default()))
        .bench_local_refs(|(engine, batch)| batch.execute_next(engine, &records, b""));
}

#[divan::bench]
fn decode_1024(bencher: Bencher<'_, '_>) {
    let records = Venue::new(SEED, COMMANDS).records();
    bencher.bench_local(|| {
        let (records, _) = records.as_chunks::<RECORD_SIZE>();
        records.iter().filter(|record| Stamped::decode(record, b"").is_ok()).count()
    });
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn snapshot_of_a_venue(bencher: Bencher<'_, '_>) {
    let venue = Venue::new(SEED, 0);
    bencher.bench_local(|| venue.opened.snapshot());
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn restore_of_a_venue(bencher: Bencher<'_, '_>) {
    let snapshot = Venue::new(SEED, 0).opened.snapshot().expect("between commands");
    bencher.bench_local(|| Engine::restore(&snapshot).map(|engine| engine.command_sequence()));
}
