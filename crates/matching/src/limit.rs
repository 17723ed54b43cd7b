//! Everything has a limit. These bounds also prove that no arithmetic of the core can overflow.
//!
//! Largest price (2^40) x largest quantity (2^40) x largest notional unit (2^32) is 2^112, so the hold of one order
//! fits in an `i128` (2^127) and `AMOUNT_MAX` bounds every balance, sum and hold from above.

/// Highest price of any instrument, in price units.
pub const PRICE_MAX: u64 = (1 << 40) - 1;
/// Largest quantity of any order, in lots: 2^24 orders of it still fit in a level's `u64`.
pub const QUANTITY_MAX: u64 = (1 << 40) - 1;
/// Largest worth of one price unit times one lot, in ledger units of the quote asset.
pub const NOTIONAL_UNIT_MAX: u64 = 1 << 32;
/// Largest worth of one lot in ledger units of the base asset.
pub const LOT_LEDGER_MAX: u64 = 1 << 40;
/// Largest balance of one account in one asset, in ledger units.
pub const AMOUNT_MAX: i128 = 1 << 120;
/// Open orders of one instrument.
pub const ORDERS_PER_INSTRUMENT_MAX: u32 = 1_000_000;
/// Open orders of an order book on its own: a level's quantity is a `u64` then.
pub const BOOK_ORDERS_MAX: u32 = 1 << 24;
/// Trades of one command, those that it prevents included: with four events each, a command stays below the 65,536 events
/// that one append of the log takes (and far below the 2^20 that an event id can number).
pub const TRADES_PER_COMMAND_MAX: u32 = 15_000;
/// Orders ended by one mass cancel or one close of a session; ask again while the count equals it.
pub const CANCELS_PER_COMMAND_MAX: u32 = 50_000;
/// Open pegged orders of one instrument: each command there looks at them, and may move them all.
pub const PEGS_PER_INSTRUMENT_MAX: usize = 1_000;
/// Waiting orders that one command triggers; the rest goes on in a command of its own.
pub const TRIGGERS_PER_COMMAND_MAX: u32 = 500;
/// A command that has made so many trades triggers no further order: what it triggers may trade a lot itself.
pub const TRADES_BEFORE_DEFERRAL: u64 = 1_000;
/// Orders that one command ends after it has made an auction's trades: their events, those of the trades and of what they
/// trigger stay below the 65,536 of one append.
pub const ENDS_AFTER_TRADES_MAX: u32 = 4_000;
/// Levels that an auction call looks at to tell what it would trade: while more are crossed, nothing new is told.
pub const INDICATIVE_LEVELS_MAX: usize = 10_000;
/// Open orders of an account that has no limit of its own.
pub const OPEN_ORDERS_DEFAULT: u32 = 10_000;
/// Accounts of one engine, system accounts included.
pub const ACCOUNTS_MAX: usize = 10_000_000;
/// Assets of one engine.
pub const ASSETS_MAX: usize = 65_536;
/// Instruments of one engine.
pub const INSTRUMENTS_MAX: usize = 65_536;
/// Length of a symbol, bytes.
pub const SYMBOL_BYTES_MAX: usize = 32;
/// Length of a client order id or a user id, bytes.
pub const NAME_BYTES_MAX: usize = 128;
/// Length of a reason, bytes.
pub const REASON_BYTES_MAX: usize = 256;
/// Length of a calendar's text, bytes.
pub const CALENDAR_BYTES_MAX: usize = 4096;
/// How many of the newest order numbers are remembered after they close, to tell `order_closed` from
/// `order_not_found`.
pub const CLOSED_ORDERS_REMEMBERED: u64 = 65_536;
/// The last millisecond since 1970 that nanoseconds in a `u64` can say.
pub const TIME_MS_MAX: u64 = u64::MAX / 1_000_000;
/// Commands of one batch.
pub const COMMANDS_PER_BATCH_MAX: usize = 65_536;
/// Bytes of one batch's texts.
pub const TEXTS_PER_BATCH_MAX: usize = 64 << 20;
