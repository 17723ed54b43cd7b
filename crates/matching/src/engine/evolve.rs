//! Rebuilding state from events: assign what they say, assert that it fits, decide nothing.

use std::fmt;

use super::{Engine, MILLISECOND_NS};
use crate::event::{Body, Event, Events, Malformed};
use crate::id::{EVENTS_PER_COMMAND_MAX, EventId};
use crate::limit::AMOUNT_MAX;

mod auction;
mod order;
mod peg;
mod trigger;
mod venue;

/// Where a replay stands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Replay {
    /// Number of events of the current command that were replayed; zero before the first.
    seen: u32,
    /// Open orders that do not rest: none at the end of a command.
    in_flight: u32,
}

/// Why an event does not fit the state; the state is then useless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// The event's data cannot be read.
    Data(Malformed),
    /// The event id is none.
    EventId,
    /// The event belongs to another log.
    Log,
    /// It is not the next event of its command, nor the first of the next command.
    Order,
    /// Its stamp is before the last.
    Stamp,
    /// The version is not the next of its stream.
    Version {
        /// What the stream expects.
        expected: u64,
    },
    /// A value is not what the state demands.
    Value(&'static str),
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(malformed) => write!(f, "data: {malformed}"),
            Self::EventId => f.write_str("the event id is malformed"),
            Self::Log => f.write_str("the event belongs to another log"),
            Self::Order => f.write_str("the event is not the next of the log"),
            Self::Stamp => f.write_str("the stamp is before the last one"),
            Self::Version { expected } => write!(f, "the version is not {expected}, the next of its stream"),
            Self::Value(what) => write!(f, "{what} does not fit the state"),
        }
    }
}

impl std::error::Error for Misfit {}

/// What must hold.
fn expect(holds: bool, what: &'static str) -> Result<(), Misfit> {
    if holds { Ok(()) } else { Err(Misfit::Value(what)) }
}

impl Engine {
    /// Replays an event as the log has it. `scratch` is memory to decode into; its content is of no use afterwards.
    pub fn evolve_row(
        &mut self,
        event_type: &str,
        event_id: &[u8],
        version: u64,
        data: &[u8],
        scratch: &mut Events,
    ) -> Result<(), Misfit> {
        scratch.clear();
        let id = EventId::parse(event_id).ok_or(Misfit::EventId)?;
        let body = scratch.decode(event_type, data, &self.catalog).map_err(Misfit::Data)?;
        self.evolve_body(id, version, &body, scratch)
    }

    /// Replays an event that is at hand with its postings and texts.
    pub fn evolve(&mut self, id: EventId, event: &Event, events: &Events) -> Result<(), Misfit> {
        self.evolve_body(id, event.version, &event.body, events)
    }

    /// Whether the state is that of a command's end: snapshots stand there only.
    pub fn is_at_command_end(&self) -> bool {
        self.replay.in_flight == 0
    }

    fn evolve_body(&mut self, id: EventId, version: u64, body: &Body, events: &Events) -> Result<(), Misfit> {
        self.follow(id)?;
        match body {
            Body::AssetListed(_)
            | Body::InstrumentListed(_)
            | Body::AccountOpened(_)
            | Body::CashDeposited(_)
            | Body::AssetDeposited(_)
            | Body::CashWithdrawn(_)
            | Body::AssetWithdrawn(_)
            | Body::LimitsChanged(_)
            | Body::AccountStateChanged(_)
            | Body::OrderCancelRejected(_)
            | Body::CommandRefused(_)
            | Body::MassCanceled(_)
            | Body::KillSwitchChanged(_)
            | Body::AccountOptionsChanged(_)
            | Body::DeadMansTimerChanged(_)
            | Body::InstrumentRulesChanged(_)
            | Body::FeesChanged(_)
            | Body::OrdersCanceled(_) => self.evolve_venue(version, body, events),
            Body::OrderCreated(e) => self.evolve_created(version, e, events),
            Body::OrderRejected(e) => self.evolve_rejected(version, e),
            Body::OrderExecuted(e) => self.evolve_executed(version, e, events),
            Body::OrderReplaced(e) => self.evolve_replaced(version, e, events),
            Body::OrderRestated(e) => self.evolve_restated(version, e, events),
            Body::OrderCanceled(e) => self.evolve_canceled(version, e, events),
            Body::OrderExpired(e) => self.evolve_expired(version, e, events),
            Body::TradeExecuted(e) => self.evolve_trade(version, e),
            Body::OrderTriggered(e) => self.evolve_triggered(version, e),
            Body::TriggersDeferred(e) => self.evolve_deferred(version, e),
            Body::TriggersResumed(e) => self.evolve_resumed(version, e),
            Body::SessionChanged(_)
            | Body::IndicativeChanged(_)
            | Body::AuctionUncrossed(_)
            | Body::AuctionDeferred(_)
            | Body::AuctionResumed(_) => self.evolve_auction(version, body),
            Body::MarkPriceChanged(e) => self.evolve_mark_price(version, e),
            Body::PegsMoved(e) => self.evolve_pegs_moved(version, e, events),
        }
    }

    /// The event is the next one of the log.
    fn follow(&mut self, id: EventId) -> Result<(), Misfit> {
        if id.log_number != self.log_number {
            return Err(Misfit::Log);
        }
        let stamp_ns = id.stamp_ms.checked_mul(MILLISECOND_NS).ok_or(Misfit::Stamp)?;
        let last_ms = self.last_stamp_ns / MILLISECOND_NS;
        if id.index == 0 {
            if id.command != self.command_sequence + 1 || !self.is_at_command_end() {
                return Err(Misfit::Order);
            }
            if id.stamp_ms < last_ms {
                return Err(Misfit::Stamp);
            }
            self.command_sequence = id.command;
            self.last_stamp_ns = self.last_stamp_ns.max(stamp_ns);
            self.replay.seen = 1;
            return Ok(());
        }
        let next = self.replay.seen > 0 && id.index == self.replay.seen && id.command == self.command_sequence;
        if !next || id.index as usize >= EVENTS_PER_COMMAND_MAX {
            return Err(Misfit::Order);
        }
        if id.stamp_ms != last_ms {
            return Err(Misfit::Stamp);
        }
        self.replay.seen += 1;
        Ok(())
    }

    /// Counts a stream on to the version of an event.
    fn advance(counter: &mut u64, version: u64) -> Result<(), Misfit> {
        let expected = *counter + 1;
        if version != expected {
            return Err(Misfit::Version { expected });
        }
        *counter = version;
        Ok(())
    }

    /// Assigns what the postings say; each change must lead from what was to what it says.
    fn assign_postings(&mut self, postings: crate::event::Postings, events: &Events) -> Result<(), Misfit> {
        use crate::vocabulary::Ledger;
        for posting in events.postings_of(postings) {
            let index = self.accounts.find(posting.account.0).ok_or(Misfit::Value("the account of a posting"))?;
            let holding = self.accounts.get_mut(index).holding_mut(posting.asset);
            let entry = match posting.ledger {
                Ledger::Balance => &mut holding.balance,
                Ledger::Hold => &mut holding.hold,
            };
            expect(entry.checked_add(posting.amount) == Some(posting.after), "the result of a posting")?;
            expect(posting.after.unsigned_abs() <= AMOUNT_MAX as u128, "the size of a posting")?;
            *entry = posting.after;
        }
        Ok(())
    }
}
