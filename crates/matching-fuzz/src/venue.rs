//! A venue that trades: most inputs begin with it, so that they need not find out how to open one.

use std::sync::OnceLock;

use matching::Engine;
use matching::command::{Command, ListAsset, ListInstrument, OpenAccount, Stamped, Transfer};
use matching::event::Events;
use matching::id::entity_id;
use matching::ladder::LadderKind;
use matching::limit;
use matching::number::Unit;
use matching::vocabulary::AssetKind;

/// The log's number.
pub const LOG: u16 = 1;
/// Customers with money and assets.
pub const CUSTOMERS: u64 = 6;
/// External, house, three clearing accounts, then the customers.
pub const FIRST_CUSTOMER: u64 = 6;
/// Listed instruments; the last one is at the edge of all numbers.
pub const INSTRUMENTS: u64 = 4;

const fn id(sequence: u64) -> u64 {
    entity_id(LOG, sequence)
}

/// Commands that open it.
pub fn opening() -> Vec<Command<'static>> {
    let asset = |symbol, scale, kind| Command::ListAsset(ListAsset { symbol, scale, kind });
    let instrument = |symbol, base, price_unit, lot_unit, protection_ppm| {
        Command::ListInstrument(ListInstrument {
            symbol,
            base: id(base),
            quote: id(1),
            price_unit,
            lot_unit,
            max_price: 10_000,
            max_quantity: 5_000,
            protection_ppm,
            calendar: "always",
        })
    };
    let unit = |mantissa, scale| Unit { mantissa, scale };
    let mut commands = vec![
        Command::OpenVenue,
        asset("USD", 10, AssetKind::Currency),
        asset("GOOG", 4, AssetKind::Security),
        asset("BTC", 14, AssetKind::Currency),
        instrument("GOOG", 2, unit(1, 2), unit(1, 0), 50_000),
        instrument("BTC/USD", 3, unit(5, 1), unit(1, 5), 33_333),
        instrument("GOOG.X", 2, unit(25, 4), unit(2, 1), 0),
    ];
    for customer in 0..CUSTOMERS {
        commands.push(Command::OpenAccount(OpenAccount { user_id: "someone" }));
        for (asset, amount) in [(1, 3_000_000_000_000_000), (2, 40_000_000), (3, 6_000_000_000_000)] {
            let account_id = id(FIRST_CUSTOMER + customer);
            commands.push(Command::Deposit(Transfer { account_id, asset_id: id(asset), amount }));
        }
    }
    commands.extend(edge());
    commands
}

/// The instrument with the highest price, the largest quantity and the dearest lot that may be listed; the first
/// customer can sell all of it, and the second can pay for it.
fn edge() -> [Command<'static>; 5] {
    let asset = |symbol, scale| Command::ListAsset(ListAsset { symbol, scale, kind: AssetKind::Currency });
    let deposit = |customer, asset: u64| {
        let account_id = id(FIRST_CUSTOMER + customer);
        Command::Deposit(Transfer { account_id, asset_id: id(asset), amount: limit::AMOUNT_MAX.unsigned_abs() })
    };
    let listing = ListInstrument {
        symbol: "EDGE",
        base: id(5),
        quote: id(4),
        price_unit: Unit { mantissa: 4, scale: 0 },
        lot_unit: Unit { mantissa: 1, scale: 0 },
        max_price: limit::PRICE_MAX,
        max_quantity: limit::QUANTITY_MAX,
        protection_ppm: 1_000_000,
        calendar: "",
    };
    [asset("QUOTE", 9), asset("BASE", 12), Command::ListInstrument(listing), deposit(0, 5), deposit(1, 4)]
}

/// The venue, opened.
pub fn opened_venue() -> Engine {
    opened(LadderKind::default())
}

/// The opened venue on a ladder.
pub(crate) fn opened(ladder: LadderKind) -> Engine {
    static OPENED: [OnceLock<Engine>; 3] = [const { OnceLock::new() }; 3];
    let place = match ladder {
        LadderKind::Dense => 0,
        LadderKind::Sorted => 1,
        LadderKind::Ordered => 2,
    };
    OPENED[place].get_or_init(|| open(ladder)).clone()
}

fn open(ladder: LadderKind) -> Engine {
    let mut engine = Engine::with_ladder(LOG, ladder).expect("a small log number");
    let mut events = Events::default();
    for command in opening() {
        events.clear();
        engine.apply(&Stamped { stamp_ns: 1, command }, &mut events);
    }
    engine
}
