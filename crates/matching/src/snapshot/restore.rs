//! Reading a snapshot: every value is checked against the others, so that what restores can also trade.

use super::{FORMAT_VERSION, MAGIC, OPEN, STATE_SCHEMA, SnapshotError};
use crate::Engine;
use crate::account::{Account, Accounts, EXTERNAL, Limits};
use crate::book::{NO_GROUP, Order};
use crate::catalog::{AssetTerms, InstrumentTerms};
use crate::engine::hold_of;
use crate::event::{Asset, Instrument};
use crate::fees::Fees;
use crate::id::{self, SEQUENCE_MAX};
use crate::ladder::LadderKind;
use crate::limit;
use crate::number::{SCALE_MAX, Unit};
use crate::order_index::{NO_ACCOUNT, OrderIndex, Place};
use crate::vocabulary::{AccountKind, AccountState, AssetKind, PostOnly, Session, Side, TimeInForce};

mod attributes;
mod auction;
mod trigger;

type Result<T> = std::result::Result<T, SnapshotError>;

/// No counter that a log can reach is near this, so none can overflow.
const COUNTER_MAX: u64 = 1 << 62;

fn consistent(holds: bool, what: &'static str) -> Result<()> {
    if holds { Ok(()) } else { Err(SnapshotError::Inconsistent(what)) }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(SnapshotError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn u8(&mut self) -> Result<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Result<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn i128(&mut self) -> Result<i128> {
        self.array().map(i128::from_le_bytes)
    }

    fn text(&mut self, bytes_max: usize, what: &'static str) -> Result<String> {
        let length = self.u32()? as usize;
        consistent(length <= bytes_max, what)?;
        let text = std::str::from_utf8(self.take(length)?).map_err(|_| SnapshotError::Inconsistent(what))?;
        consistent(!text.chars().any(char::is_control), what)?;
        Ok(text.to_owned())
    }

    fn optional<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<Option<T>> {
        match self.u8()? {
            0 => Ok(None),
            1 => read(self).map(Some),
            _ => Err(SnapshotError::Inconsistent("a presence byte")),
        }
    }

    fn word<T>(&mut self, from_byte: impl FnOnce(u8) -> Option<T>, what: &'static str) -> Result<T> {
        from_byte(self.u8()?).ok_or(SnapshotError::Inconsistent(what))
    }
}

impl Engine {
    /// The engine of a snapshot.
    pub fn restore(bytes: &[u8]) -> Result<Self> {
        Self::restore_with_ladder(bytes, LadderKind::default())
    }

    /// The same with a ladder of choice.
    pub fn restore_with_ladder(bytes: &[u8], ladder: LadderKind) -> Result<Self> {
        let mut r = Reader { rest: bytes };
        if r.take(MAGIC.len())? != MAGIC {
            return Err(SnapshotError::Header("not a snapshot of the matching core"));
        }
        if r.u16()? != FORMAT_VERSION || r.u16()? != STATE_SCHEMA {
            return Err(SnapshotError::Header("another format or state schema"));
        }
        let mut engine = Self::with_ladder(r.u16()?, ladder).map_err(|_| SnapshotError::Header("log number"))?;
        engine.command_sequence = r.u64()?;
        let stamp_ms = r.u64()?;
        engine.last_stamp_ns = stamp_ms.checked_mul(1_000_000).ok_or(SnapshotError::Inconsistent("the stamp"))?;
        engine.next_trade = r.u64()?;
        let next_order = r.u64()?;
        let counters = engine.command_sequence <= id::COMMAND_SEQUENCE_MAX
            && (1..=SEQUENCE_MAX).contains(&engine.next_trade)
            && (1..=SEQUENCE_MAX).contains(&next_order);
        consistent(counters, "a counter")?;
        read_assets(&mut r, &mut engine)?;
        read_accounts(&mut r, &mut engine)?;
        read_kill_switches(&mut r, &mut engine)?;
        read_instruments(&mut r, &mut engine)?;
        engine.index = OrderIndex::going_on_at(next_order);
        read_orders(&mut r, &mut engine, next_order)?;
        read_closed(&mut r, &mut engine)?;
        if !r.rest.is_empty() {
            return Err(SnapshotError::TooLong);
        }
        check_money(&engine)?;
        Ok(engine)
    }
}

fn read_assets(r: &mut Reader<'_>, engine: &mut Engine) -> Result<()> {
    for _ in 0..r.u32()? {
        let symbol = r.text(limit::SYMBOL_BYTES_MAX, "an asset's name")?;
        let scale = r.u8()?;
        let kind = r.word(AssetKind::from_byte, "an asset's kind")?;
        let version = r.u64()?;
        let bounded = scale <= SCALE_MAX && (1..COUNTER_MAX).contains(&version);
        consistent(bounded && !symbol.is_empty(), "an asset")?;
        consistent(engine.catalog.check_asset(&symbol).is_ok(), "an asset's name")?;
        engine.catalog.add_asset(AssetTerms { symbol, scale, kind });
        engine.asset_versions.push(version);
    }
    Ok(())
}

fn read_accounts(r: &mut Reader<'_>, engine: &mut Engine) -> Result<()> {
    let count = r.u32()? as usize;
    consistent((1..=limit::ACCOUNTS_MAX).contains(&count), "the number of accounts")?;
    let mut list = Vec::new();
    for index in 0..count {
        let account = read_account(r, engine.catalog.assets().len())?;
        consistent((account.kind == AccountKind::External) == (index == 0), "an account's kind")?;
        consistent((account.kind == AccountKind::House) == (index == 1), "an account's kind")?;
        consistent(account.opened || count == 1, "an account that is not open")?;
        consistent(!account.opened || account.version > 0, "an account's version")?;
        consistent(account.version < COUNTER_MAX, "an account's version")?;
        engine.timers.set_dead_mans(index as u32, 0, account.dead_mans_due_ms);
        list.push(account);
    }
    consistent(!list[0].opened || count > 1, "the house account")?;
    engine.accounts = Accounts::restored(engine.log_number, list);
    Ok(())
}

fn read_kill_switches(r: &mut Reader<'_>, engine: &mut Engine) -> Result<()> {
    engine.killed = r.word(|byte| [false, true].get(usize::from(byte)).copied(), "a kill switch")?;
    for _ in 0..r.u32()? {
        let account = r.u32()?;
        let kind = engine.accounts.list().get(account as usize).map(|account| account.kind);
        let ascending = engine.killed_accounts.last().is_none_or(|last| *last < account);
        let known = matches!(kind, Some(AccountKind::Customer | AccountKind::House));
        consistent(known && ascending, "an account's kill switch")?;
        engine.killed_accounts.insert(account);
    }
    Ok(())
}

fn read_account(r: &mut Reader<'_>, assets: usize) -> Result<Account> {
    let kind = r.word(AccountKind::from_byte, "an account's kind")?;
    let state = r.word(AccountState::from_byte, "an account's state")?;
    let opened = r.word(|byte| [false, true].get(usize::from(byte)).copied(), "whether an account is open")?;
    let user_id = r.text(limit::NAME_BYTES_MAX, "a user id")?;
    let mut account = Account::new(kind, &user_id);
    (account.state, account.opened, account.version) = (state, opened, r.u64()?);
    account.limits = Limits {
        max_order_notional: r.optional(Reader::i128)?,
        max_order_quantity: r.optional(Reader::i128)?,
        max_open_orders: r.optional(Reader::u32)?,
    };
    let bounds = [account.limits.max_order_notional, account.limits.max_order_quantity];
    consistent(bounds.into_iter().flatten().all(|bound| bound >= 0), "a limit")?;
    account.trade_group = r.u32()?;
    consistent(account.trade_group != NO_GROUP, "a trade group")?;
    let switch = |byte: u8| [false, true].get(usize::from(byte)).copied();
    account.cancel_on_disconnect = r.word(switch, "cancel on disconnect")?;
    account.dead_mans_due_ms = r.u64()?;
    let own = matches!(kind, AccountKind::Customer | AccountKind::House);
    let plain = account.trade_group == 0 && !account.cancel_on_disconnect && account.dead_mans_due_ms == 0;
    consistent((own || plain) && account.dead_mans_due_ms <= limit::TIME_MS_MAX, "an account's options")?;
    let mut previous = None;
    for _ in 0..r.u32()? {
        let asset = Asset(r.u32()?);
        consistent((asset.0 as usize) < assets && previous < Some(asset), "the order of holdings")?;
        previous = Some(asset);
        let (balance, hold) = (r.i128()?, r.i128()?);
        let bounded = match kind {
            AccountKind::External => (-limit::AMOUNT_MAX..0).contains(&balance) && hold == 0,
            AccountKind::Clearing => false,
            AccountKind::Customer | AccountKind::House => {
                (1..=limit::AMOUNT_MAX).contains(&balance) && (0..=balance).contains(&hold)
            }
        };
        consistent(bounded, "a balance or hold")?;
        let holding = account.holding_mut(asset);
        (holding.balance, holding.hold) = (balance, hold);
    }
    Ok(account)
}

fn read_instruments(r: &mut Reader<'_>, engine: &mut Engine) -> Result<()> {
    for _ in 0..r.u32()? {
        let proposed = InstrumentTerms {
            symbol: r.text(limit::SYMBOL_BYTES_MAX, "a symbol")?,
            base: Asset(r.u32()?),
            quote: Asset(r.u32()?),
            price_unit: Unit { mantissa: r.u64()?, scale: r.u8()? },
            lot_unit: Unit { mantissa: r.u64()?, scale: r.u8()? },
            max_price: r.u64()?,
            max_quantity: r.u64()?,
            protection_ppm: r.u32()?,
            fees: Fees { maker_ppm: r.u32()?, taker_ppm: r.u32()?, ceiling_ppm: r.u32()? },
            calendar: r.text(limit::CALENDAR_BYTES_MAX, "a calendar")?,
            clearing: r.u32()?,
            notional_unit: 0,
            lot_ledger: 0,
        };
        let session = r.word(Session::from_byte, "a session")?;
        let (version, next_priority) = (r.u64()?, r.u64()?);
        let (self_trade, allocation) = attributes::read_rules(r, engine, proposed.max_quantity)?;
        let triggers = trigger::read_triggers(r, proposed.max_price)?;
        let (unfinished, call) = auction::read_call(r, session, proposed.max_price)?;
        let counters = (1..COUNTER_MAX).contains(&version) && (1..COUNTER_MAX).contains(&next_priority);
        consistent(counters && !proposed.symbol.is_empty(), "an instrument")?;
        consistent(proposed.fees.is_sound(), "the fees")?;
        let clearing = engine.accounts.list().get(proposed.clearing as usize);
        consistent(clearing.is_some_and(|account| account.kind == AccountKind::Clearing), "a clearing account")?;
        let last = engine.catalog.instruments().last();
        consistent(last.is_none_or(|terms| terms.clearing < proposed.clearing), "a clearing account")?;
        let terms =
            engine.catalog.check_instrument(proposed).map_err(|_| SnapshotError::Inconsistent("an instrument"))?;
        engine.add_instrument(terms);
        if !triggers.waves.is_empty() {
            engine.deferred.insert(engine.markets.len() as u32 - 1);
        }
        if unfinished {
            engine.unfinished.insert(engine.markets.len() as u32 - 1);
        }
        if let Some(market) = engine.markets.last_mut() {
            (market.session, market.version, market.triggers) = (session, version, triggers);
            (market.self_trade, market.call) = (self_trade, call);
            market.book.set_allocation(allocation);
            market.book.set_next_priority(next_priority);
        }
    }
    Ok(())
}

/// An order as read, with what the book does not keep.
struct Kept {
    instrument: u32,
    slot: u32,
    number: u64,
    owner: u32,
    cum_notional: i128,
}

fn read_orders(r: &mut Reader<'_>, engine: &mut Engine, next_order: u64) -> Result<()> {
    let mut kept = Vec::new();
    for index in 0..engine.markets.len() {
        for side in [Side::Buy, Side::Sell] {
            for _ in 0..r.u32()? {
                kept.push(read_order(r, engine, Instrument(index as u32), side, next_order)?);
            }
        }
        kept.extend(trigger::read_waiting(r, engine, index as u32, next_order)?);
        let book = &engine.markets[index].book;
        let crossed = book.best_with_hidden(Side::Buy).is_some_and(|bid| book.crosses(Side::Buy, bid));
        let trades = engine.markets[index].session.matches() && !engine.unfinished.contains(&(index as u32));
        consistent(!crossed || !trades, "a crossed book")?;
    }
    // An account's list is in the order of the numbers, and no number is used twice.
    kept.sort_by_key(|order| order.number);
    let unique = kept.windows(2).all(|pair| pair[0].number < pair[1].number);
    consistent(unique, "an order number that is used twice")?;
    for order in kept {
        let beside = &mut engine.markets[order.instrument as usize].beside;
        beside.link(engine.accounts.get_mut(order.owner), order.instrument, order.slot);
        beside.set_cum_notional(order.slot, order.cum_notional);
        engine.index.set_open(order.number, order.instrument, order.slot);
    }
    Ok(())
}

fn read_order(
    r: &mut Reader<'_>,
    engine: &mut Engine,
    instrument: Instrument,
    side: Side,
    next_order: u64,
) -> Result<Kept> {
    let (order_id, owner) = (r.u64()?, r.u32()?);
    let time_in_force = r.word(TimeInForce::from_byte, "a time in force")?;
    let post_only = r.u8()?;
    let known = post_only == 0 || PostOnly::from_byte(post_only).is_some();
    consistent(known, "post-only")?;
    let extra = attributes::read_attributes(r, side, time_in_force)?;
    let shown = r.u64()?;
    let (price, quantity, leaves, priority) = (r.u64()?, r.u64()?, r.u64()?, r.u64()?);
    let (version, cum_notional) = (r.u32()?, r.i128()?);
    let number = id::sequence_in(engine.log_number, order_id).filter(|number| (1..next_order).contains(number));
    let number = number.ok_or(SnapshotError::Inconsistent("an order id"))?;
    let kind = engine.accounts.list().get(owner as usize).map(|account| account.kind);
    consistent(matches!(kind, Some(AccountKind::Customer | AccountKind::House)), "an order's account")?;
    let terms = engine.catalog.instrument(instrument).ok_or(SnapshotError::Inconsistent("an instrument"))?;
    let sized = (1..=terms.max_quantity).contains(&quantity) && (1..=quantity).contains(&leaves);
    consistent(sized && (1..=terms.max_price).contains(&price) && (1..1 << 31).contains(&version), "an order's terms")?;
    let most = terms.notional(terms.max_price, quantity - leaves);
    consistent((0..=most).contains(&cum_notional) && (leaves == quantity) == (cum_notional == 0), "cum_notional")?;
    let market = &mut engine.markets[instrument.0 as usize];
    consistent(market.book.len() < limit::ORDERS_PER_INSTRUMENT_MAX, "the number of orders")?;
    consistent(!time_in_force.is_immediate(), "a time in force")?;
    let after_hours = market.session == Session::Closed && !engine.unfinished.contains(&instrument.0);
    consistent(!after_hours || time_in_force != TimeInForce::Day, "a day order after hours")?;
    if let Some(peg) = extra.attributes.peg {
        let room = market.attributes.pegs.len() < limit::PEGS_PER_INSTRUMENT_MAX;
        let bounded = peg.limit.max(peg.offset.unsigned_abs()) <= terms.max_price;
        consistent(room && bounded && peg.allows(price), "a peg")?;
    }
    let next_priority = market.book.next_priority();
    consistent((1..next_priority).contains(&priority), "a priority")?;
    let ordered = market.book.queue_end(side).is_none_or(|last| match side {
        _ if last.price == price && last.is_hidden() == extra.hidden => last.priority < priority,
        _ if last.price == price => extra.hidden,
        Side::Buy => price < last.price,
        Side::Sell => price > last.price,
    });
    consistent(ordered, "the order of a queue")?;
    let mut order = Order::new(order_id, side, time_in_force, price, quantity, owner);
    (order.leaves, order.version) = (leaves, version);
    order.set_post_only(PostOnly::from_byte(post_only));
    if extra.hidden {
        order.hide();
    }
    let slot = market.add(order, extra.display);
    market.attributes.open(&mut market.book, slot, extra.attributes, &mut engine.timers);
    market.book.rest_at(slot, priority);
    let parts = if extra.display == 0 { shown == 0 } else { (1..=extra.display.min(leaves)).contains(&shown) };
    consistent(parts, "what is displayed")?;
    if extra.display != 0 {
        market.book.set_shown(slot, shown);
    }
    Ok(Kept { instrument: instrument.0, slot, number, owner, cum_notional })
}

fn read_closed(r: &mut Reader<'_>, engine: &mut Engine) -> Result<()> {
    for number in engine.index.remembered_from()..engine.index.next() {
        let account = r.u32()?;
        let open = matches!(engine.index.get(number), Place::Open { .. });
        consistent(open == (account == OPEN), "whether an order is open")?;
        if !open {
            let known = account == NO_ACCOUNT || (account as usize) < engine.accounts.list().len();
            consistent(known, "the account of a closed order")?;
            engine.index.set_closed(number, account);
        }
    }
    Ok(())
}

/// Each asset sums to zero over all accounts, and holds are what the open orders need.
fn check_money(engine: &Engine) -> Result<()> {
    let mut sums = vec![0i128; engine.catalog.assets().len()];
    let mut needed = std::collections::BTreeMap::new();
    for account in engine.accounts.list() {
        for holding in account.holdings() {
            let sum = &mut sums[holding.asset.0 as usize];
            *sum = sum.checked_add(holding.balance).ok_or(SnapshotError::Inconsistent("the sum of an asset"))?;
        }
    }
    consistent(sums.iter().all(|sum| *sum == 0), "the sum of an asset")?;
    for (market, terms) in engine.markets.iter().zip(engine.catalog.instruments()) {
        let resting = [Side::Buy, Side::Sell].into_iter().flat_map(|side| market.book.queue(side));
        let waiting = market.waiting_orders();
        let open = resting.chain(waiting.iter().map(|slot| (*slot, market.book.order(*slot))));
        for (slot, order) in open {
            let (asset, hold) = hold_of(terms, order.side(), market.held_at(slot), order.leaves);
            let total: &mut i128 = needed.entry((order.owner, asset)).or_default();
            *total = total.checked_add(hold).ok_or(SnapshotError::Inconsistent("a hold"))?;
        }
    }
    for (index, account) in engine.accounts.list().iter().enumerate().skip(EXTERNAL as usize + 1) {
        for holding in account.holdings().filter(|holding| holding.hold != 0) {
            let due = needed.remove(&(index as u32, holding.asset));
            consistent(due == Some(holding.hold), "a hold")?;
        }
    }
    consistent(needed.is_empty(), "a hold")
}
