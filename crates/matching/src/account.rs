//! Accounts: what each owns of each asset, what its open orders hold of it, and what it may do.

use crate::book::NONE;
use crate::event::{AccountId, Asset, Posting};
use crate::id;
use crate::limit;
use crate::table::{Blank, Table};
use crate::vocabulary::{AccountKind, AccountState, Ledger};

/// The external account is the first of every log.
pub const EXTERNAL: u32 = 0;
/// The house account is the second; fees are credited to it.
pub const HOUSE: u32 = 1;

/// One asset of one account, in ledger units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    /// Which asset.
    pub asset: Asset,
    /// What it owns; only the external and, within a command, clearing accounts go below zero.
    pub balance: i128,
    /// What open orders keep of it: `0 <= hold <= balance` for customers.
    pub hold: i128,
}

/// The same where it is known which asset is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Amounts {
    pub(crate) balance: i128,
    pub(crate) hold: i128,
}

impl Blank for Amounts {
    const BLANK: Self = Self { balance: 0, hold: 0 };
}

/// The limits of an account; none means no limit (open orders: `limit::OPEN_ORDERS_DEFAULT`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Largest value of one order, in 10^-18 of the quote currency.
    pub max_order_notional: Option<i128>,
    /// Largest quantity of one order, in 10^-18 of the base asset.
    pub max_order_quantity: Option<i128>,
    /// Most open orders.
    pub max_open_orders: Option<u32>,
}

/// The open orders of an account in one instrument: a list through the market's records, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Working {
    pub(crate) first: u32,
    pub(crate) last: u32,
}

impl Blank for Working {
    const BLANK: Self = Self { first: NONE, last: NONE };
}

/// An account. What every order looks at comes first, side by side.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Account {
    /// Customer, clearing, external or house.
    pub kind: AccountKind,
    /// Active or suspended.
    pub state: AccountState,
    /// Only the external account exists before it is opened: it is the stream of what a fresh log refuses.
    pub opened: bool,
    /// Whether a lost connection ends its orders.
    pub cancel_on_disconnect: bool,
    /// Accounts of one trade group never trade with each other; zero: it is in none.
    pub trade_group: u32,
    /// Number of its open orders.
    pub open_orders: u32,
    holdings: Table<Amounts>,
    pub(crate) working: Table<Working>,
    /// Its limits.
    pub limits: Limits,
    /// When its orders end unless it says something, milliseconds since 1970; zero: never.
    pub dead_mans_due_ms: u64,
    /// Number of its last event.
    pub version: u64,
    /// Whose it is; empty for system accounts.
    pub user_id: String,
}

impl Account {
    pub(crate) fn new(kind: AccountKind, user_id: &str) -> Self {
        Self {
            kind,
            state: AccountState::Active,
            opened: true,
            user_id: user_id.to_owned(),
            version: 0,
            limits: Limits::default(),
            trade_group: 0,
            cancel_on_disconnect: false,
            dead_mans_due_ms: 0,
            open_orders: 0,
            working: Table::default(),
            holdings: Table::default(),
        }
    }

    /// What it has of an asset.
    pub fn holding(&self, asset: Asset) -> Holding {
        let Amounts { balance, hold } = self.holdings.get(asset.0);
        Holding { asset, balance, hold }
    }

    /// What it may still use of an asset.
    pub fn available(&self, asset: Asset) -> i128 {
        let holding = self.holding(asset);
        holding.balance - holding.hold
    }

    /// All it has, ordered by asset, without empty entries.
    pub fn holdings(&self) -> impl Iterator<Item = Holding> + '_ {
        let holding = |(asset, Amounts { balance, hold })| Holding { asset: Asset(asset), balance, hold };
        self.holdings.sorted().map(holding)
    }

    /// The most open orders it may have.
    pub fn open_orders_max(&self) -> u32 {
        self.limits.max_open_orders.unwrap_or(limit::OPEN_ORDERS_DEFAULT)
    }

    pub(crate) fn holding_mut(&mut self, asset: Asset) -> &mut Amounts {
        self.holdings.get_mut(asset.0)
    }

    /// The list of its open orders in an instrument.
    pub(crate) fn working_mut(&mut self, instrument: u32) -> &mut Working {
        self.working.get_mut(instrument)
    }
}

/// All accounts of a log, by index; the id's sequence is the index plus one.
#[derive(Clone, Debug)]
pub struct Accounts {
    log_number: u16,
    list: Vec<Account>,
}

impl Accounts {
    pub(crate) fn new(log_number: u16) -> Self {
        let mut external = Account::new(AccountKind::External, "");
        external.opened = false;
        Self { log_number, list: vec![external] }
    }

    pub(crate) fn restored(log_number: u16, list: Vec<Account>) -> Self {
        Self { log_number, list }
    }

    /// Every account in the order of the ids.
    pub fn list(&self) -> &[Account] {
        &self.list
    }

    /// The id of an index.
    pub fn id_of(&self, index: u32) -> AccountId {
        AccountId(id::entity_id(self.log_number, u64::from(index) + 1))
    }

    /// The index of an opened account.
    pub fn find(&self, account_id: u64) -> Option<u32> {
        let sequence = id::sequence_in(self.log_number, account_id)?;
        let index = u32::try_from(sequence.checked_sub(1)?).ok()?;
        self.list.get(index as usize).filter(|account| account.opened).map(|_| index)
    }

    /// The account of an index that exists.
    pub fn get(&self, index: u32) -> &Account {
        &self.list[index as usize]
    }

    pub(crate) fn get_mut(&mut self, index: u32) -> &mut Account {
        &mut self.list[index as usize]
    }

    pub(crate) fn push(&mut self, account: Account) -> u32 {
        self.list.push(account);
        u32::try_from(self.list.len() - 1).expect("accounts are bounded")
    }

    /// Changes a balance or a hold and notes it.
    pub(crate) fn post(&mut self, postings: &mut Vec<Posting>, index: u32, asset: Asset, ledger: Ledger, amount: i128) {
        let holding = self.list[index as usize].holding_mut(asset);
        let entry = match ledger {
            Ledger::Balance => &mut holding.balance,
            Ledger::Hold => &mut holding.hold,
        };
        *entry += amount;
        let after = *entry;
        postings.push(Posting { account: self.id_of(index), asset, ledger, amount, after });
    }
}
