//! What comes into an account, what leaves it, and what it may do.

use super::{Engine, Refusal};
use crate::account::{EXTERNAL, Limits};
use crate::command::{ChangeAccountState, ChangeLimits, Transfer};
use crate::event::{
    AccountId, AccountStateChanged, Amount, Asset, AssetDeposited, AssetWithdrawn, Body, CashDeposited, CashWithdrawn,
    Events, Limit, LimitsChanged, Postings,
};
use crate::id::EntityKind;
use crate::limit::AMOUNT_MAX;
use crate::vocabulary::{AccountState, AssetKind, Ledger, Reason};

impl Engine {
    /// Checks: unknown_account, unknown_asset, invalid_amount, amount_too_large.
    pub(super) fn deposit(&mut self, c: &Transfer, events: &mut Events) -> Result<(), Refusal> {
        let (account, asset, amount) = self.check_transfer(c)?;
        // What is outside is the negative of all that is inside: bounding it bounds every balance.
        let outside = self.accounts.get(EXTERNAL).holding(asset).balance;
        if outside - amount < -AMOUNT_MAX {
            return Err(Refusal::of(Reason::AmountTooLarge, EntityKind::Account, c.account_id));
        }
        let postings = self.move_from_outside(account, asset, amount, events);
        let (account_id, amount) = (AccountId(c.account_id), Amount(amount));
        let body = match self.catalog.asset(asset).map(|terms| terms.kind) {
            Some(AssetKind::Security) => Body::AssetDeposited(AssetDeposited { account_id, asset, amount, postings }),
            _ => Body::CashDeposited(CashDeposited { account_id, asset, amount, postings }),
        };
        self.emit_account(account, body, events);
        Ok(())
    }

    /// Checks: unknown_account, unknown_asset, invalid_amount, amount_too_large, account_suspended,
    /// insufficient_funds.
    pub(super) fn withdraw(&mut self, c: &Transfer, events: &mut Events) -> Result<(), Refusal> {
        let (account, asset, amount) = self.check_transfer(c)?;
        let refused = |reason| Err(Refusal::of(reason, EntityKind::Account, c.account_id));
        let owner = self.accounts.get(account);
        if owner.state == AccountState::Suspended {
            return refused(Reason::AccountSuspended);
        }
        if owner.available(asset) < amount {
            return refused(Reason::InsufficientFunds);
        }
        let postings = self.move_from_outside(account, asset, -amount, events);
        let (account_id, amount) = (AccountId(c.account_id), Amount(amount));
        let body = match self.catalog.asset(asset).map(|terms| terms.kind) {
            Some(AssetKind::Security) => Body::AssetWithdrawn(AssetWithdrawn { account_id, asset, amount, postings }),
            _ => Body::CashWithdrawn(CashWithdrawn { account_id, asset, amount, postings }),
        };
        self.emit_account(account, body, events);
        Ok(())
    }

    pub(super) fn change_limits(&mut self, c: &ChangeLimits, events: &mut Events) -> Result<(), Refusal> {
        let account = self.named_customer(c.account_id)?;
        let limits = Limits {
            // Records carry 127 bits, so nothing is cut off.
            max_order_notional: c.max_order_notional.and_then(|limit| i128::try_from(limit).ok()),
            max_order_quantity: c.max_order_quantity.and_then(|limit| i128::try_from(limit).ok()),
            max_open_orders: c.max_open_orders,
        };
        self.accounts.get_mut(account).limits = limits;
        let body = LimitsChanged {
            account_id: AccountId(c.account_id),
            max_order_notional: limits.max_order_notional.map(Limit),
            max_order_quantity: limits.max_order_quantity.map(Limit),
            max_open_orders: limits.max_open_orders,
        };
        self.emit_account(account, Body::LimitsChanged(body), events);
        Ok(())
    }

    pub(super) fn change_account_state(
        &mut self,
        c: &ChangeAccountState<'_>,
        events: &mut Events,
    ) -> Result<(), Refusal> {
        let account = self.named_customer(c.account_id)?;
        self.accounts.get_mut(account).state = c.state;
        let reason = events.add_text(c.reason);
        let body = AccountStateChanged { account_id: AccountId(c.account_id), state: c.state, reason };
        self.emit_account(account, Body::AccountStateChanged(body), events);
        Ok(())
    }

    fn named_customer(&self, account_id: u64) -> Result<u32, Refusal> {
        self.customer(account_id).ok_or(Refusal::of_venue(Reason::UnknownAccount))
    }

    fn check_transfer(&self, c: &Transfer) -> Result<(u32, Asset, i128), Refusal> {
        let account = self.named_customer(c.account_id)?;
        let refused = |reason| Refusal::of(reason, EntityKind::Account, c.account_id);
        let asset =
            self.catalog.asset_of_id(self.log_number, c.asset_id).ok_or_else(|| refused(Reason::UnknownAsset))?;
        if c.amount == 0 {
            return Err(refused(Reason::InvalidAmount));
        }
        let amount = i128::try_from(c.amount).ok().filter(|amount| *amount <= AMOUNT_MAX);
        Ok((account, asset, amount.ok_or_else(|| refused(Reason::AmountTooLarge))?))
    }

    fn move_from_outside(&mut self, account: u32, asset: Asset, amount: i128, events: &mut Events) -> Postings {
        let start = events.postings.len();
        self.accounts.post(&mut events.postings, account, asset, Ledger::Balance, amount);
        self.accounts.post(&mut events.postings, EXTERNAL, asset, Ledger::Balance, -amount);
        events.postings_since(start)
    }
}
