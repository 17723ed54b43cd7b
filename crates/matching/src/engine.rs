//! The engine: `apply` decides and appends events, `evolve` rebuilds the same state from them.

use std::collections::BTreeSet;
use std::fmt;

use crate::account::{Account, Accounts, EXTERNAL};
use crate::catalog::Catalog;
use crate::command::{Command, Stamped};
use crate::event::{Aggregate, AggregateId, Body, CommandRefused, Event, Events, Instrument, InstrumentId, OrderId};
use crate::id::{self, EntityKind, EventId};
use crate::ladder::LadderKind;
use crate::limit;
use crate::market::Market;
use crate::order_index::{OrderIndex, Place};
use crate::timer::Timers;
use crate::vocabulary::{CommandKind, Reason};

mod auction;
mod call;
mod cancel;
mod cascade;
mod connection;
mod due;
mod entry;
mod evolve;
mod fees;
mod foresee;
mod funds;
mod listing;
mod mass_cancel;
mod peg;
mod place;
mod post_only;
mod replace;
mod rules;
mod self_trade;
mod session;
mod settle;
mod stop;
pub(crate) use entry::hold_of;
pub use evolve::Misfit;

/// Nanoseconds in the millisecond that an event id can carry.
const MILLISECOND_NS: u64 = 1_000_000;

/// All books and accounts of one log.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) log_number: u16,
    pub(crate) ladder: LadderKind,
    pub(crate) command_sequence: u64,
    pub(crate) last_stamp_ns: u64,
    pub(crate) next_trade: u64,
    pub(crate) catalog: Catalog,
    pub(crate) asset_versions: Vec<u64>,
    pub(crate) accounts: Accounts,
    pub(crate) markets: Vec<Market>,
    pub(crate) index: OrderIndex,
    pub(crate) timers: Timers,
    /// The venue's kill switch is on.
    pub(crate) killed: bool,
    pub(crate) killed_accounts: BTreeSet<u32>,
    /// Markets whose waves an earlier command left.
    pub(crate) deferred: BTreeSet<u32>,
    /// Markets whose change of session an earlier command left.
    pub(crate) unfinished: BTreeSet<u32>,
    /// Markets where the command may have reached what orders wait for.
    pub(crate) touched: Vec<u32>,
    /// Number of the command's first trade.
    pub(crate) trades_before: u64,
    /// Trades that the command has prevented.
    pub(crate) prevented: u32,
    pub(crate) replay: evolve::Replay,
}

/// What an engine cannot be made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogNumberTooLarge(pub u16);

impl fmt::Display for LogNumberTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "log number {} is above {}", self.0, id::LOG_NUMBER_MAX)
    }
}

impl std::error::Error for LogNumberTooLarge {}

impl Engine {
    /// The engine of an empty log.
    pub fn new(log_number: u16) -> Result<Self, LogNumberTooLarge> {
        Self::with_ladder(log_number, LadderKind::default())
    }

    /// The same with a ladder of choice: no outcome depends on it.
    pub fn with_ladder(log_number: u16, ladder: LadderKind) -> Result<Self, LogNumberTooLarge> {
        if log_number > id::LOG_NUMBER_MAX {
            return Err(LogNumberTooLarge(log_number));
        }
        Ok(Self {
            log_number,
            ladder,
            command_sequence: 0,
            last_stamp_ns: 0,
            next_trade: 1,
            catalog: Catalog::default(),
            asset_versions: Vec::new(),
            accounts: Accounts::new(log_number),
            markets: Vec::new(),
            index: OrderIndex::default(),
            timers: Timers::default(),
            killed: false,
            killed_accounts: BTreeSet::new(),
            deferred: BTreeSet::new(),
            unfinished: BTreeSet::new(),
            touched: Vec::new(),
            trades_before: 1,
            prevented: 0,
            replay: evolve::Replay::default(),
        })
    }

    /// The log whose state this is.
    pub fn log_number(&self) -> u16 {
        self.log_number
    }

    /// Number of the last command.
    pub fn command_sequence(&self) -> u64 {
        self.command_sequence
    }

    /// The last stamp; after a restore or a replay it is known to the millisecond.
    pub fn last_stamp_ns(&self) -> u64 {
        self.last_stamp_ns
    }

    /// The terms of everything listed.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// All accounts.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// All markets in the order of their listing.
    pub fn markets(&self) -> &[Market] {
        &self.markets
    }

    /// The market of an instrument's id.
    pub fn market(&self, instrument_id: u64) -> Option<&Market> {
        let instrument = self.catalog.instrument_of_id(self.log_number, instrument_id)?;
        self.markets.get(instrument.0 as usize)
    }

    /// The id of the instrument that an open order is for.
    pub fn instrument_of(&self, order_id: u64) -> Option<u64> {
        match self.index.get(self.order_number(order_id)?) {
            Place::Open { instrument, .. } => Some(id::entity_id(self.log_number, u64::from(instrument) + 1)),
            Place::Closed { .. } | Place::Unknown => None,
        }
    }

    /// Decides a command; at least one event is appended. Returns the stamp it was given: never before the last.
    pub fn apply(&mut self, stamped: &Stamped<'_>, events: &mut Events) -> u64 {
        self.command_sequence += 1;
        self.last_stamp_ns = self.last_stamp_ns.max(stamped.stamp_ns);
        self.replay = evolve::Replay::default();
        (self.trades_before, self.prevented) = (self.next_trade, 0);
        match &stamped.command {
            Command::PlaceOrder(c) => self.place(c, events),
            Command::CancelOrder(c) => self.cancel(c, events),
            Command::ReplaceOrder(c) => self.replace(c, events),
            Command::CancelAll(c) => self.cancel_all(c, events),
            command => {
                if let Err(refusal) = self.administer(command, events) {
                    self.refuse(command.kind(), refusal, events);
                }
            }
        }
        if !self.touched.is_empty() {
            self.trigger_reached(events);
        }
        self.last_stamp_ns
    }

    /// The id of event `index` of the last command.
    pub fn event_id(&self, index: u32) -> EventId {
        EventId {
            stamp_ms: self.last_stamp_ns / MILLISECOND_NS,
            log_number: self.log_number,
            command: self.command_sequence,
            index,
        }
    }

    fn administer(&mut self, command: &Command<'_>, events: &mut Events) -> Result<(), Refusal> {
        let open = self.accounts.get(EXTERNAL).opened;
        if !open && !matches!(command, Command::OpenVenue) {
            return Err(Refusal::of_venue(Reason::VenueNotOpen));
        }
        match command {
            Command::OpenVenue => self.open_venue(events),
            Command::ListAsset(c) => self.list_asset(c, events),
            Command::ListInstrument(c) => self.list_instrument(c, events),
            Command::OpenAccount(c) => self.open_account(c, events),
            Command::Deposit(c) => self.deposit(c, events),
            Command::Withdraw(c) => self.withdraw(c, events),
            Command::ChangeLimits(c) => self.change_limits(c, events),
            Command::ChangeAccountState(c) => self.change_account_state(c, events),
            Command::ChangeSession(c) => self.change_session(c, events),
            Command::FireDue => self.fire_due(events),
            Command::SetMarkPrice(c) => self.set_mark_price(c, events),
            Command::MassCancel(c) => self.mass_cancel(c, events),
            Command::ChangeKillSwitch(c) => self.change_kill_switch(c, events),
            Command::SetDeadMansTimer(c) => self.set_dead_mans_timer(c, events),
            Command::ReportDisconnect(c) => self.report_disconnect(c, events),
            Command::ChangeAccountOptions(c) => self.change_account_options(c, events),
            Command::ChangeInstrumentRules(c) => self.change_instrument_rules(c, events),
            Command::ChangeFees(c) => self.change_fees(c, events),
            Command::PlaceOrder(_) | Command::CancelOrder(_) | Command::ReplaceOrder(_) | Command::CancelAll(_) => {
                unreachable!("orders have their own refusals")
            }
        }
    }

    /// Records that a command was refused, in the stream it named or in the external account's.
    fn refuse(&mut self, command: CommandKind, refusal: Refusal, events: &mut Events) {
        let aggregate =
            refusal.aggregate.unwrap_or(Aggregate { kind: EntityKind::Account, id: self.accounts.id_of(EXTERNAL).0 });
        let body = CommandRefused { command, reason: refusal.reason, aggregate_id: AggregateId(aggregate) };
        self.emit(aggregate, Body::CommandRefused(body), events);
    }

    /// Appends an event of an account, an instrument or an asset that exists and counts it.
    fn emit(&mut self, aggregate: Aggregate, body: Body, events: &mut Events) {
        let version = self.version_mut(aggregate).expect("only streams that exist get events");
        *version += 1;
        let version = *version;
        events.list.push(Event { aggregate, version, body });
    }

    fn emit_account(&mut self, account: u32, body: Body, events: &mut Events) {
        let id = self.accounts.id_of(account).0;
        self.emit(Aggregate { kind: EntityKind::Account, id }, body, events);
    }

    /// The version counter of a stream other than an order's.
    fn version_mut(&mut self, aggregate: Aggregate) -> Option<&mut u64> {
        let sequence = id::sequence_in(self.log_number, aggregate.id)?;
        let index = usize::try_from(sequence.checked_sub(1)?).ok()?;
        match aggregate.kind {
            EntityKind::Account if index < self.accounts.list().len() => {
                Some(&mut self.accounts.get_mut(u32::try_from(index).ok()?).version)
            }
            EntityKind::Instrument => self.markets.get_mut(index).map(|market| &mut market.version),
            EntityKind::Asset => self.asset_versions.get_mut(index),
            _ => None,
        }
    }

    fn order_id(&self, number: u64) -> OrderId {
        OrderId(id::entity_id(self.log_number, number))
    }

    fn instrument_id(&self, instrument: u32) -> InstrumentId {
        InstrumentId(id::entity_id(self.log_number, u64::from(instrument) + 1))
    }

    /// The order's number if the id is of this log.
    fn order_number(&self, order_id: u64) -> Option<u64> {
        id::sequence_in(self.log_number, order_id)
    }

    /// A customer's account that exists.
    fn customer(&self, account_id: u64) -> Option<u32> {
        use crate::vocabulary::AccountKind::{Customer, House};
        self.accounts.find(account_id).filter(|index| matches!(self.accounts.get(*index).kind, Customer | House))
    }

    fn find_instrument(&self, instrument_id: u64) -> Option<Instrument> {
        self.catalog.instrument_of_id(self.log_number, instrument_id)
    }

    /// Opens one more account, if there is room.
    fn room_for_account(&self) -> Result<(), Refusal> {
        if self.accounts.list().len() >= limit::ACCOUNTS_MAX {
            return Err(Refusal::of_venue(Reason::CapacityReached));
        }
        Ok(())
    }

    fn add_account(&mut self, account: Account, events: &mut Events) -> u32 {
        let (kind, user_id) = (account.kind, events.add_text(&account.user_id));
        let index = self.accounts.push(account);
        let body = crate::event::AccountOpened { account_id: self.accounts.id_of(index), user_id, kind };
        self.emit_account(index, Body::AccountOpened(body), events);
        index
    }
}

/// Why a command other than about orders is refused, and whose stream says so.
#[derive(Clone, Copy, Debug)]
struct Refusal {
    reason: Reason,
    aggregate: Option<Aggregate>,
}

impl Refusal {
    /// Nothing that exists was named.
    const fn of_venue(reason: Reason) -> Self {
        Self { reason, aggregate: None }
    }

    const fn of(reason: Reason, kind: EntityKind, id: u64) -> Self {
        Self { reason, aggregate: Some(Aggregate { kind, id }) }
    }
}
