//! Commands and their fixed-size record: 128 bytes, little-endian, texts in an arena beside it.
//!
//! `COMMANDS.md` documents the record to the byte. Decoding is strict: any byte string is one valid command or a
//! [`RecordError`]; what `encode` writes, `decode` reads back.

use crate::limit;
use crate::number::{SCALE_MAX, Unit};
use crate::vocabulary::{AccountState, AssetKind, CommandKind, Session};

mod connection;
mod fees;
mod mass;
mod place;
mod record;
mod rules;
pub use connection::{ReportDisconnect, SetDeadMansTimer};
pub use fees::ChangeFees;
pub use mass::{ChangeKillSwitch, MassCancel};
pub use place::{PlaceOrder, Terms};
pub use record::{RECORD_SIZE, RECORD_VERSION, Record, RecordError, TextArena};
pub use rules::{ChangeAccountOptions, ChangeInstrumentRules, ChosenAllocation};

/// What someone wants, at a time that the sequencer gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamped<'a> {
    /// Nanoseconds since 1970 in UTC; the engine never goes back.
    pub stamp_ns: u64,
    /// What is wanted.
    pub command: Command<'a>,
}

/// A command. Ids are those of the log, prices count price units, quantities lots, amounts ledger units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// Opens the external and the house account of a fresh log.
    OpenVenue,
    /// Lists an asset.
    ListAsset(ListAsset<'a>),
    /// Lists an instrument.
    ListInstrument(ListInstrument<'a>),
    /// Opens a customer's account.
    OpenAccount(OpenAccount<'a>),
    /// Brings cash or assets in from outside.
    Deposit(Transfer),
    /// Takes cash or assets out.
    Withdraw(Transfer),
    /// Sets all limits of an account; none means no limit (open orders: `limit::OPEN_ORDERS_DEFAULT`).
    ChangeLimits(ChangeLimits),
    /// Suspends or reactivates an account.
    ChangeAccountState(ChangeAccountState<'a>),
    /// Opens or closes an instrument.
    ChangeSession(ChangeSession<'a>),
    /// Enters an order.
    PlaceOrder(PlaceOrder<'a>),
    /// Cancels an order.
    CancelOrder(CancelOrder),
    /// Replaces an order.
    ReplaceOrder(ReplaceOrder<'a>),
    /// Cancels an account's orders, oldest first.
    CancelAll(CancelAll),
    /// Does what is due at its stamp.
    FireDue,
    /// Sets an instrument's mark price.
    SetMarkPrice(SetMarkPrice),
    /// Cancels orders by account, instrument, side and price.
    MassCancel(MassCancel),
    /// Blocks entry and ends orders, of an account or of the venue.
    ChangeKillSwitch(ChangeKillSwitch<'a>),
    /// Ends an account's orders at a time, unless it is set anew before.
    SetDeadMansTimer(SetDeadMansTimer),
    /// A client's connection was lost.
    ReportDisconnect(ReportDisconnect<'a>),
    /// Changes what an account chooses for all its orders.
    ChangeAccountOptions(ChangeAccountOptions),
    /// Changes how an instrument's orders meet.
    ChangeInstrumentRules(ChangeInstrumentRules),
    /// Sets what an instrument's fills cost.
    ChangeFees(ChangeFees),
}

/// Lists an asset under a name nothing else has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListAsset<'a> {
    /// The asset's name.
    pub symbol: &'a str,
    /// Decimal places of its ledger unit.
    pub scale: u8,
    /// Money or security.
    pub kind: AssetKind,
}

/// Lists an instrument; its clearing account is opened with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListInstrument<'a> {
    /// The instrument's name.
    pub symbol: &'a str,
    /// Asset id of what is traded.
    pub base: u64,
    /// Asset id of what it is paid with.
    pub quote: u64,
    /// Worth of one price count.
    pub price_unit: Unit,
    /// Worth of one lot.
    pub lot_unit: Unit,
    /// Highest price, in price units.
    pub max_price: u64,
    /// Largest order, in lots.
    pub max_quantity: u64,
    /// How far a market order may run from the best price, in millionths of it.
    pub protection_ppm: u32,
    /// Text for whoever produces session commands; the core does not read it.
    pub calendar: &'a str,
}

/// Opens a customer's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenAccount<'a> {
    /// Whose it is.
    pub user_id: &'a str,
}

/// Moves an amount between an account and the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// The account.
    pub account_id: u64,
    /// Asset id.
    pub asset_id: u64,
    /// Ledger units of the asset.
    pub amount: u128,
}

/// Sets all limits of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeLimits {
    /// The account.
    pub account_id: u64,
    /// Largest value of one order in its quote currency, in 10^-18.
    pub max_order_notional: Option<u128>,
    /// Largest quantity of one order in its base asset, in 10^-18.
    pub max_order_quantity: Option<u128>,
    /// Most open orders.
    pub max_open_orders: Option<u32>,
}

/// Suspends or reactivates an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeAccountState<'a> {
    /// The account.
    pub account_id: u64,
    /// What it becomes.
    pub state: AccountState,
    /// Why, for people.
    pub reason: &'a str,
}

/// Opens or closes an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeSession<'a> {
    /// The instrument.
    pub instrument_id: u64,
    /// What its session becomes.
    pub session: Session,
    /// Why, for people.
    pub reason: &'a str,
}

/// Cancels an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelOrder {
    /// Who asks.
    pub account_id: u64,
    /// What to cancel.
    pub order_id: u64,
}

/// Replaces an order's total quantity, its price, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplaceOrder<'a> {
    /// Who asks.
    pub account_id: u64,
    /// What to replace.
    pub order_id: u64,
    /// The new total quantity in lots, executed part included; none keeps it.
    pub quantity: Option<u64>,
    /// The new price in price units; none keeps it. Of a waiting market order it is the protection price.
    pub price: Option<u64>,
    /// The new trigger price of an order that waits; none keeps it.
    pub trigger_price: Option<u64>,
    /// A further client order id, if any.
    pub client_order_id: Option<&'a str>,
}

/// Cancels an account's orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelAll {
    /// Whose.
    pub account_id: u64,
    /// Of which instrument; none means all.
    pub instrument_id: Option<u64>,
}

/// Sets the mark price of an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetMarkPrice {
    /// The instrument.
    pub instrument_id: u64,
    /// Price units.
    pub price: u64,
}

impl Command<'_> {
    /// Its kind.
    pub const fn kind(&self) -> CommandKind {
        match self {
            Self::OpenVenue => CommandKind::OpenVenue,
            Self::ListAsset(_) => CommandKind::ListAsset,
            Self::ListInstrument(_) => CommandKind::ListInstrument,
            Self::OpenAccount(_) => CommandKind::OpenAccount,
            Self::Deposit(_) => CommandKind::Deposit,
            Self::Withdraw(_) => CommandKind::Withdraw,
            Self::ChangeLimits(_) => CommandKind::ChangeLimits,
            Self::ChangeAccountState(_) => CommandKind::ChangeAccountState,
            Self::ChangeSession(_) => CommandKind::ChangeSession,
            Self::PlaceOrder(_) => CommandKind::PlaceOrder,
            Self::CancelOrder(_) => CommandKind::CancelOrder,
            Self::ReplaceOrder(_) => CommandKind::ReplaceOrder,
            Self::CancelAll(_) => CommandKind::CancelAll,
            Self::FireDue => CommandKind::FireDue,
            Self::SetMarkPrice(_) => CommandKind::SetMarkPrice,
            Self::MassCancel(_) => CommandKind::MassCancel,
            Self::ChangeKillSwitch(_) => CommandKind::ChangeKillSwitch,
            Self::SetDeadMansTimer(_) => CommandKind::SetDeadMansTimer,
            Self::ReportDisconnect(_) => CommandKind::ReportDisconnect,
            Self::ChangeAccountOptions(_) => CommandKind::ChangeAccountOptions,
            Self::ChangeInstrumentRules(_) => CommandKind::ChangeInstrumentRules,
            Self::ChangeFees(_) => CommandKind::ChangeFees,
        }
    }
}

impl<'a> Stamped<'a> {
    /// Reads one record; `texts` is the arena that its text references point into.
    pub fn decode(record: &[u8; RECORD_SIZE], texts: &'a [u8]) -> Result<Self, RecordError> {
        let mut reader = record::Reader::new(record, texts)?;
        let command = decode_body(&mut reader)?;
        let stamp_ns = reader.stamp_ns();
        reader.finish()?;
        Ok(Self { stamp_ns, command })
    }

    /// Writes one record and appends its texts to the arena.
    pub fn encode(&self, texts: &mut TextArena) -> [u8; RECORD_SIZE] {
        let mut record = Record::new(self.command.kind(), self.stamp_ns);
        encode_body(&self.command, &mut record, texts);
        record.bytes()
    }
}

fn decode_body<'a>(r: &mut record::Reader<'_, 'a>) -> Result<Command<'a>, RecordError> {
    Ok(match r.kind() {
        CommandKind::OpenVenue => Command::OpenVenue,
        CommandKind::FireDue => Command::FireDue,
        CommandKind::MassCancel => Command::MassCancel(mass::decode_cancel(r)?),
        CommandKind::ChangeKillSwitch => Command::ChangeKillSwitch(mass::decode_switch(r)?),
        CommandKind::SetDeadMansTimer => Command::SetDeadMansTimer(connection::decode_timer(r)?),
        CommandKind::ReportDisconnect => Command::ReportDisconnect(connection::decode_disconnect(r)?),
        CommandKind::ChangeAccountOptions => Command::ChangeAccountOptions(rules::decode_options(r)?),
        CommandKind::ChangeInstrumentRules => Command::ChangeInstrumentRules(rules::decode_rules(r)?),
        CommandKind::ChangeFees => Command::ChangeFees(fees::decode(r)?),
        CommandKind::SetMarkPrice => Command::SetMarkPrice(SetMarkPrice { instrument_id: r.u64(24), price: r.u64(48) }),
        CommandKind::ListAsset => Command::ListAsset(ListAsset {
            kind: AssetKind::from_byte(r.u8(2)).ok_or(RecordError::Word("asset kind"))?,
            scale: scale(r.u8(3))?,
            symbol: r.required_text(64, limit::SYMBOL_BYTES_MAX)?,
        }),
        CommandKind::ListInstrument => decode_instrument(r)?,
        CommandKind::OpenAccount => {
            Command::OpenAccount(OpenAccount { user_id: r.required_text(64, limit::NAME_BYTES_MAX)? })
        }
        CommandKind::Deposit => Command::Deposit(decode_transfer(r)),
        CommandKind::Withdraw => Command::Withdraw(decode_transfer(r)),
        CommandKind::ChangeLimits => decode_limits(r)?,
        CommandKind::ChangeAccountState => Command::ChangeAccountState(ChangeAccountState {
            state: AccountState::from_byte(r.u8(2)).ok_or(RecordError::Word("account state"))?,
            account_id: r.u64(16),
            reason: r.text(64, limit::REASON_BYTES_MAX)?.unwrap_or(""),
        }),
        CommandKind::ChangeSession => Command::ChangeSession(ChangeSession {
            session: Session::from_byte(r.u8(2)).ok_or(RecordError::Word("session"))?,
            instrument_id: r.u64(24),
            reason: r.text(64, limit::REASON_BYTES_MAX)?.unwrap_or(""),
        }),
        CommandKind::PlaceOrder => Command::PlaceOrder(place::decode(r)?),
        CommandKind::CancelOrder => Command::CancelOrder(CancelOrder { account_id: r.u64(16), order_id: r.u64(32) }),
        CommandKind::ReplaceOrder => decode_replace(r)?,
        CommandKind::CancelAll => {
            let instrument_id = r.u64(24);
            let named = r.presence(1)? == 1;
            if !named && instrument_id != 0 {
                return Err(RecordError::NotAbsent("instrument_id"));
            }
            Command::CancelAll(CancelAll { account_id: r.u64(16), instrument_id: named.then_some(instrument_id) })
        }
    })
}

fn decode_instrument<'a>(r: &mut record::Reader<'_, 'a>) -> Result<Command<'a>, RecordError> {
    Ok(Command::ListInstrument(ListInstrument {
        base: r.u64(16),
        quote: r.u64(24),
        price_unit: Unit { mantissa: r.u64(32), scale: scale(r.u8(84))? },
        lot_unit: Unit { mantissa: r.u64(40), scale: scale(r.u8(85))? },
        max_price: r.u64(48),
        max_quantity: r.u64(56),
        symbol: r.required_text(64, limit::SYMBOL_BYTES_MAX)?,
        calendar: r.text(72, limit::CALENDAR_BYTES_MAX)?.unwrap_or(""),
        protection_ppm: r.u32(80),
    }))
}

fn decode_transfer(r: &mut record::Reader<'_, '_>) -> Transfer {
    Transfer { account_id: r.u64(16), asset_id: r.u64(24), amount: r.u128(80) }
}

fn decode_limits<'a>(r: &mut record::Reader<'_, 'a>) -> Result<Command<'a>, RecordError> {
    let given = r.presence(7)?;
    let (notional, quantity, open) = (r.u128(80), r.u128(96), r.u32(112));
    let absent = |bit: u8| given & bit == 0;
    if (absent(1) && notional != 0) || (absent(2) && quantity != 0) || (absent(4) && open != 0) {
        return Err(RecordError::NotAbsent("limit"));
    }
    if notional > i128::MAX as u128 || quantity > i128::MAX as u128 {
        return Err(RecordError::TooLarge("limit"));
    }
    Ok(Command::ChangeLimits(ChangeLimits {
        account_id: r.u64(16),
        max_order_notional: (!absent(1)).then_some(notional),
        max_order_quantity: (!absent(2)).then_some(quantity),
        max_open_orders: (!absent(4)).then_some(open),
    }))
}

fn decode_replace<'a>(r: &mut record::Reader<'_, 'a>) -> Result<Command<'a>, RecordError> {
    let given = r.presence(0b111)?;
    let (quantity, price, trigger_price) = (r.u64(40), r.u64(48), r.u64(72));
    let absent = (given & 1 == 0 && quantity != 0) || (given & 2 == 0 && price != 0);
    if absent || (given & 4 == 0 && trigger_price != 0) {
        return Err(RecordError::NotAbsent("quantity or price"));
    }
    Ok(Command::ReplaceOrder(ReplaceOrder {
        account_id: r.u64(16),
        order_id: r.u64(32),
        quantity: (given & 1 != 0).then_some(quantity),
        price: (given & 2 != 0).then_some(price),
        trigger_price: (given & 4 != 0).then_some(trigger_price),
        client_order_id: r.text(64, limit::NAME_BYTES_MAX)?,
    }))
}

fn scale(byte: u8) -> Result<u8, RecordError> {
    if byte <= SCALE_MAX { Ok(byte) } else { Err(RecordError::TooLarge("scale")) }
}

fn encode_body(command: &Command<'_>, r: &mut Record, texts: &mut TextArena) {
    match command {
        Command::OpenVenue | Command::FireDue => {}
        Command::MassCancel(c) => mass::encode_cancel(c, r),
        Command::ChangeKillSwitch(c) => mass::encode_switch(c, r, texts),
        Command::SetMarkPrice(c) => {
            r.u64(24, c.instrument_id).u64(48, c.price);
        }
        Command::ListAsset(c) => r.u8(2, c.kind as u8).u8(3, c.scale).text(64, Some(c.symbol), texts),
        Command::ListInstrument(c) => {
            r.u64(16, c.base).u64(24, c.quote).u64(32, c.price_unit.mantissa).u64(40, c.lot_unit.mantissa);
            r.u64(48, c.max_price).u64(56, c.max_quantity).u32(80, c.protection_ppm);
            r.u8(84, c.price_unit.scale).u8(85, c.lot_unit.scale).text(64, Some(c.symbol), texts);
            r.text(72, Some(c.calendar), texts);
        }
        Command::OpenAccount(c) => r.text(64, Some(c.user_id), texts),
        Command::Deposit(c) | Command::Withdraw(c) => {
            r.u64(16, c.account_id).u64(24, c.asset_id).u128(80, c.amount);
        }
        Command::ChangeLimits(c) => {
            r.presence(0, c.max_order_notional.is_some()).presence(1, c.max_order_quantity.is_some());
            r.presence(2, c.max_open_orders.is_some()).u64(16, c.account_id);
            r.u128(80, c.max_order_notional.unwrap_or(0)).u128(96, c.max_order_quantity.unwrap_or(0));
            r.u32(112, c.max_open_orders.unwrap_or(0));
        }
        Command::ChangeAccountState(c) => {
            r.u8(2, c.state as u8).u64(16, c.account_id).text(64, Some(c.reason), texts);
        }
        Command::ChangeSession(c) => {
            r.u8(2, c.session as u8).u64(24, c.instrument_id).text(64, Some(c.reason), texts);
        }
        Command::SetDeadMansTimer(c) => connection::encode_timer(c, r),
        Command::ReportDisconnect(c) => connection::encode_disconnect(c, r, texts),
        Command::ChangeAccountOptions(c) => rules::encode_options(c, r),
        Command::ChangeInstrumentRules(c) => rules::encode_rules(c, r),
        Command::ChangeFees(c) => fees::encode(c, r),
        Command::PlaceOrder(c) => place::encode(c, r, texts),
        Command::CancelOrder(c) => {
            r.u64(16, c.account_id).u64(32, c.order_id);
        }
        Command::ReplaceOrder(c) => {
            r.presence(0, c.quantity.is_some()).presence(1, c.price.is_some());
            r.presence(2, c.trigger_price.is_some()).u64(72, c.trigger_price.unwrap_or(0));
            r.u64(16, c.account_id).u64(32, c.order_id).u64(40, c.quantity.unwrap_or(0));
            r.u64(48, c.price.unwrap_or(0)).text(64, c.client_order_id, texts);
        }
        Command::CancelAll(c) => {
            r.presence(0, c.instrument_id.is_some()).u64(16, c.account_id);
            r.u64(24, c.instrument_id.unwrap_or(0));
        }
    }
}
