//! The oracle: the same rules written as slowly and as plainly as possible, with its own texts and its own arithmetic.
//!
//! It shares with the crate the commands, the words and the documented numeric limits; nothing else.

use std::collections::{BTreeMap, BTreeSet};

use matching::book::Allocation;
use matching::command::{ChangeLimits, Command, ListAsset, ListInstrument, Transfer};
use matching::fees::Fees;
use matching::limit;
use matching::vocabulary::{AccountState, AssetKind, SelfTradePrevention, Session};

mod connection;
mod due;
mod entry;
mod fees;
mod mass;
mod orders;
mod pegs;
mod plan;
mod sessions;
mod text;
mod triggers;
pub use orders::Order;
use text::{Object, decimal, uuid};
use triggers::{Wait, Wave};

pub const LOG: u16 = 1;
const EXTERNAL: u64 = id(1);
const HOUSE: u64 = id(2);

/// The id of entity number `sequence`.
pub const fn id(sequence: u64) -> u64 {
    (LOG as u64) << 48 | sequence
}

/// An event as the log would have it.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    pub event_type: String,
    pub aggregate: String,
    pub version: u64,
    pub data: String,
}

#[derive(Clone)]
pub struct Account {
    pub kind: &'static str,
    pub suspended: bool,
    pub notional_max: Option<u128>,
    pub quantity_max: Option<u128>,
    pub open_max: Option<u32>,
    pub group: u32,
    pub cancel_on_disconnect: bool,
    pub dead_mans_due: Option<u64>,
    /// Balance and hold by asset.
    pub funds: BTreeMap<usize, (i128, i128)>,
}

pub struct Asset {
    pub symbol: String,
    pub scale: u8,
    pub kind: AssetKind,
}

pub struct Instrument {
    pub symbol: String,
    pub base: usize,
    pub quote: usize,
    pub price_unit: (u64, u8),
    pub lot_unit: (u64, u8),
    pub max_price: u64,
    pub max_quantity: u64,
    pub protection_ppm: u32,
    pub clearing: u64,
    pub session: Session,
    /// What its call would trade, as it was told last: price, lots, and lots left over, negative for sellers.
    pub told: Option<(u64, i128, i128)>,
    /// An auction's trades are under way.
    pub uncrossing: bool,
    pub priorities: u64,
    pub last_trade: u64,
    pub mark: u64,
    /// How many times an order has begun to wait.
    pub armed: u64,
    pub waves: Vec<Wave>,
    pub self_trade: Option<SelfTradePrevention>,
    pub allocation: Allocation,
    pub fees: Fees,
    /// Ledger units of one price unit times one lot, and of one lot.
    pub worth: i128,
    pub lot: i128,
}

#[derive(Default)]
pub struct Reference {
    pub accounts: BTreeMap<u64, Account>,
    pub assets: Vec<Asset>,
    pub instruments: Vec<Instrument>,
    /// Every order ever, by number.
    pub orders: BTreeMap<u64, Order>,
    /// The latest stamp.
    pub now_ns: u64,
    pub now_ms: u64,
    /// Instruments whose pegs have reached what the next command triggers.
    deferred: BTreeSet<usize>,
    /// The numbers of those that are open.
    pub open: Vec<u64>,
    trades: u64,
    killed: bool,
    killed_accounts: Vec<u64>,
    /// Of the trades of the step under way.
    prices: Vec<u64>,
    versions: BTreeMap<String, u64>,
    told: Vec<Told>,
}

type Refused = (&'static str, String);

impl Reference {
    /// Decides a command.
    pub fn apply(&mut self, stamp_ns: u64, command: &Command<'_>) -> Vec<Told> {
        self.now_ns = self.now_ns.max(stamp_ns);
        self.now_ms = self.now_ns / 1_000_000;
        let refused = match command {
            Command::PlaceOrder(c) => return self.finish(|s| s.place(c)),
            Command::CancelOrder(c) => return self.finish(|s| s.cancel(c)),
            Command::ReplaceOrder(c) => return self.finish(|s| s.replace(c)),
            Command::CancelAll(c) => self.cancel_all(c),
            _ if self.accounts.is_empty() && !matches!(command, Command::OpenVenue) => venue("venue_not_open"),
            Command::OpenVenue => self.open_venue(),
            Command::ListAsset(c) => self.list_asset(c),
            Command::ListInstrument(c) => self.list_instrument(c),
            Command::OpenAccount(c) => {
                self.open_account("CUSTOMER", c.user_id);
                Ok(())
            }
            Command::Deposit(c) => self.transfer(c, 1),
            Command::Withdraw(c) => self.transfer(c, -1),
            Command::ChangeLimits(c) => self.change_limits(c),
            Command::ChangeAccountState(c) => self.customer(c.account_id).map(|()| {
                let suspended = c.state == AccountState::Suspended;
                self.accounts.get_mut(&c.account_id).unwrap().suspended = suspended;
                let data = Object::new().id("account_id", "acct", c.account_id);
                let state = if suspended { "SUSPENDED" } else { "ACTIVE" };
                self.tell(
                    "AccountStateChanged",
                    &uuid("acct", c.account_id),
                    data.text("state", state).text("reason", c.reason),
                );
            }),
            Command::ChangeSession(c) => self.change_session(c),
            Command::FireDue => self.fire_due(),
            Command::SetMarkPrice(c) => self.set_mark_price(c),
            Command::MassCancel(c) => self.mass_cancel(c),
            Command::ChangeKillSwitch(c) => self.change_kill_switch(c),
            Command::SetDeadMansTimer(c) => self.set_timer(c),
            Command::ReportDisconnect(c) => self.disconnect(c),
            Command::ChangeAccountOptions(c) => self.change_options(c),
            Command::ChangeInstrumentRules(c) => self.change_rules(c),
            Command::ChangeFees(c) => self.change_fees(c),
        };
        if let Err((reason, aggregate)) = refused {
            let name = format!("{:?}", command.kind());
            let data = Object::new().text("command", &name).text("reason", reason).text("aggregate_id", &aggregate);
            self.tell("CommandRefused", &aggregate, data);
        }
        self.cascade();
        std::mem::take(&mut self.told)
    }

    fn finish(&mut self, decide: impl FnOnce(&mut Self)) -> Vec<Told> {
        decide(self);
        self.cascade();
        std::mem::take(&mut self.told)
    }

    fn tell(&mut self, event_type: &str, aggregate: &str, data: Object) {
        let version = self.versions.entry(aggregate.to_owned()).or_default();
        *version += 1;
        self.told.push(Told {
            event_type: event_type.to_owned(),
            aggregate: aggregate.to_owned(),
            version: *version,
            data: data.finish(),
        });
    }

    fn open_venue(&mut self) -> Result<(), Refused> {
        if !self.accounts.is_empty() {
            return venue("duplicate_listing");
        }
        self.open_account("EXTERNAL", "");
        self.open_account("HOUSE", "");
        Ok(())
    }

    fn open_account(&mut self, kind: &'static str, user: &str) -> u64 {
        let account = id(self.accounts.len() as u64 + 1);
        let fresh = Account {
            kind,
            suspended: false,
            notional_max: None,
            quantity_max: None,
            open_max: None,
            group: 0,
            cancel_on_disconnect: false,
            dead_mans_due: None,
            funds: BTreeMap::new(),
        };
        self.accounts.insert(account, fresh);
        let data = Object::new().id("account_id", "acct", account).text("user_id", user).text("kind", kind);
        self.tell("AccountOpened", &uuid("acct", account), data);
        account
    }

    fn list_asset(&mut self, c: &ListAsset<'_>) -> Result<(), Refused> {
        if let Some(at) = self.assets.iter().position(|asset| asset.symbol == c.symbol) {
            return Err(("duplicate_listing", uuid("asse", id(at as u64 + 1))));
        }
        self.assets.push(Asset { symbol: c.symbol.to_owned(), scale: c.scale, kind: c.kind });
        let kind = if c.kind == AssetKind::Currency { "CURRENCY" } else { "SECURITY" };
        let data = Object::new().text("asset", c.symbol).raw("scale", c.scale).text("kind", kind);
        self.tell("AssetListed", &uuid("asse", id(self.assets.len() as u64)), data);
        Ok(())
    }

    fn list_instrument(&mut self, c: &ListInstrument<'_>) -> Result<(), Refused> {
        let (Some(base), Some(quote)) = (self.asset(c.base), self.asset(c.quote)) else {
            return venue("unknown_asset");
        };
        if let Some(at) = self.instruments.iter().position(|listed| listed.symbol == c.symbol) {
            return Err(("duplicate_listing", uuid("inst", id(at as u64 + 1))));
        }
        let (price_unit, lot_unit) =
            ((c.price_unit.mantissa, c.price_unit.scale), (c.lot_unit.mantissa, c.lot_unit.scale));
        if !sensible_terms(c, base == quote) {
            return venue("invalid_terms");
        }
        let worth = text::whole(
            i128::from(price_unit.0) * i128::from(lot_unit.0),
            price_unit.1 + lot_unit.1,
            self.assets[quote].scale,
        );
        let lot = text::whole(i128::from(lot_unit.0), lot_unit.1, self.assets[base].scale);
        let (Some(worth), Some(lot)) = (worth, lot) else { return venue("notional_not_whole") };
        let clearing = self.open_account("CLEARING", "");
        let aggregate = id(self.instruments.len() as u64 + 1);
        let data = Object::new()
            .id("instrument_id", "inst", aggregate)
            .text("symbol", c.symbol)
            .text("base", &self.assets[base].symbol)
            .text("quote", &self.assets[quote].symbol)
            .text("price_unit", &decimal(price_unit.0.into(), price_unit.1))
            .text("lot_unit", &decimal(lot_unit.0.into(), lot_unit.1))
            .text("max_price", &decimal(i128::from(c.max_price) * i128::from(price_unit.0), price_unit.1))
            .text("max_quantity", &decimal(i128::from(c.max_quantity) * i128::from(lot_unit.0), lot_unit.1))
            .text("protection", &decimal(c.protection_ppm.into(), 6))
            .text("calendar", c.calendar)
            .id("clearing_account_id", "acct", clearing)
            .text("session", "CONTINUOUS");
        self.instruments.push(Instrument {
            symbol: c.symbol.to_owned(),
            base,
            quote,
            price_unit,
            lot_unit,
            max_price: c.max_price,
            max_quantity: c.max_quantity,
            protection_ppm: c.protection_ppm,
            clearing,
            worth,
            lot,
            session: Session::Continuous,
            told: None,
            uncrossing: false,
            priorities: 0,
            last_trade: 0,
            mark: 0,
            armed: 0,
            waves: Vec::new(),
            self_trade: None,
            allocation: Allocation::PriceTime,
            fees: Fees::default(),
        });
        self.tell("InstrumentListed", &uuid("inst", aggregate), data);
        Ok(())
    }

    fn transfer(&mut self, c: &Transfer, sign: i128) -> Result<(), Refused> {
        self.customer(c.account_id)?;
        let named = |reason| Err((reason, uuid("acct", c.account_id)));
        let Some(asset) = self.asset(c.asset_id) else { return named("unknown_asset") };
        if c.amount == 0 {
            return named("invalid_amount");
        }
        if c.amount > limit::AMOUNT_MAX as u128 {
            return named("amount_too_large");
        }
        let amount = c.amount as i128;
        let account = &self.accounts[&c.account_id];
        let (balance, hold) = account.funds.get(&asset).copied().unwrap_or_default();
        if sign > 0 {
            let outside = self.accounts[&EXTERNAL].funds.get(&asset).map_or(0, |(balance, _)| *balance);
            if amount - outside > limit::AMOUNT_MAX {
                return named("amount_too_large");
            }
        } else if account.suspended {
            return named("account_suspended");
        } else if balance - hold < amount {
            return named("insufficient_funds");
        }
        let postings = [
            self.post(c.account_id, asset, "balance", sign * amount),
            self.post(EXTERNAL, asset, "balance", -sign * amount),
        ];
        let what = if self.assets[asset].kind == AssetKind::Currency { "Cash" } else { "Asset" };
        let how = if sign > 0 { "Deposited" } else { "Withdrawn" };
        let data = Object::new()
            .id("account_id", "acct", c.account_id)
            .text("asset", &self.assets[asset].symbol)
            .text("amount", &decimal(amount, self.assets[asset].scale))
            .list("postings", &postings);
        self.tell(&format!("{what}{how}"), &uuid("acct", c.account_id), data);
        Ok(())
    }

    fn change_limits(&mut self, c: &ChangeLimits) -> Result<(), Refused> {
        self.customer(c.account_id)?;
        let account = self.accounts.get_mut(&c.account_id).unwrap();
        account.notional_max = c.max_order_notional;
        account.quantity_max = c.max_order_quantity;
        account.open_max = c.max_open_orders;
        let shown = |value: Option<u128>| value.map(|value| decimal(value as i128, 18));
        let open = c.max_open_orders.map_or("null".to_owned(), |most| most.to_string());
        let data = Object::new()
            .id("account_id", "acct", c.account_id)
            .optional("max_order_notional", shown(c.max_order_notional))
            .optional("max_order_quantity", shown(c.max_order_quantity))
            .raw("max_open_orders", open);
        self.tell("LimitsChanged", &uuid("acct", c.account_id), data);
        Ok(())
    }

    fn customer(&self, account: u64) -> Result<(), Refused> {
        match self.accounts.get(&account).map(|account| account.kind) {
            Some("CUSTOMER" | "HOUSE") => Ok(()),
            _ => venue("unknown_account"),
        }
    }

    fn asset(&self, asset: u64) -> Option<usize> {
        (0..self.assets.len()).find(|at| id(*at as u64 + 1) == asset)
    }

    fn instrument(&self, instrument: u64) -> Option<usize> {
        (0..self.instruments.len()).find(|at| id(*at as u64 + 1) == instrument)
    }

    /// Changes a balance or a hold; returns the posting's text.
    fn post(&mut self, account: u64, asset: usize, ledger: &str, amount: i128) -> String {
        let funds = self.accounts.get_mut(&account).unwrap().funds.entry(asset).or_default();
        let entry = if ledger == "balance" { &mut funds.0 } else { &mut funds.1 };
        *entry += amount;
        let (after, Asset { symbol, scale, .. }) = (*entry, &self.assets[asset]);
        let (amount, after) = (decimal(amount, *scale), decimal(after, *scale));
        format!("[\"{}\",\"{symbol}\",\"{ledger}\",\"{amount}\",\"{after}\"]", uuid("acct", account))
    }
}

fn sensible_terms(c: &ListInstrument<'_>, same: bool) -> bool {
    let trimmed = |mantissa: u64, scale: u8| mantissa > 0 && (scale == 0 || !mantissa.is_multiple_of(10));
    !same
        && (1..=limit::PRICE_MAX).contains(&c.max_price)
        && (1..=limit::QUANTITY_MAX).contains(&c.max_quantity)
        && c.protection_ppm <= 1_000_000
        && trimmed(c.price_unit.mantissa, c.price_unit.scale)
        && trimmed(c.lot_unit.mantissa, c.lot_unit.scale)
}

fn venue<T>(reason: &'static str) -> Result<T, Refused> {
    Err((reason, uuid("acct", EXTERNAL)))
}
