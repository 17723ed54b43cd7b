//! Who trades with whom: the oracle plans a whole match on copies of the orders, and then does what it planned.

use matching::book::Allocation;
use matching::command::{ChangeAccountOptions, ChangeInstrumentRules};
use matching::vocabulary::{AllocationRule, SelfTradePrevention, Side, Switch};

use super::orders::side_text;
use super::text::{Object, decimal, uuid};
use super::{Reference, Refused, id, venue};

#[derive(Clone, Copy)]
pub enum Step {
    Trade(u64, u64),
    Cancel(u64),
    Decrement(u64, u64),
}

/// How a match goes, and whether an own order ends it.
pub struct Plan {
    pub steps: Vec<Step>,
    pub stopped: bool,
}

/// What comes in.
#[derive(Clone, Copy)]
pub struct Taker {
    pub instrument: usize,
    pub side: Side,
    pub limit: u64,
    pub leaves: u64,
    pub account: u64,
    pub mode: SelfTradePrevention,
}

struct Maker {
    number: u64,
    account: u64,
    key: i128,
    hidden: bool,
    place: (u64, u64),
    leaves: u64,
    shown: u64,
    display: u64,
    own: bool,
}

impl Reference {
    pub(super) fn mode(&self, instrument: usize, chosen: Option<SelfTradePrevention>) -> SelfTradePrevention {
        chosen.unwrap_or(self.instruments[instrument].self_trade.unwrap_or(SelfTradePrevention::CancelNewest))
    }

    fn makers(&self, taker: &Taker) -> Vec<Maker> {
        let sign = if taker.side == Side::Buy { 1 } else { -1 };
        let group = self.accounts[&taker.account].group;
        let mut makers = Vec::new();
        for number in &self.open {
            let order = &self.orders[number];
            let within = if taker.side == Side::Buy { order.price <= taker.limit } else { order.price >= taker.limit };
            let Some(priority) = order.priority.filter(|_| within) else { continue };
            if order.instrument != taker.instrument || order.side == taker.side {
                continue;
            }
            makers.push(Maker {
                number: *number,
                account: order.account,
                key: sign * i128::from(order.price),
                hidden: order.hidden,
                place: (0, priority),
                leaves: order.leaves,
                shown: order.shown,
                display: order.display.unwrap_or(u64::MAX),
                own: order.account == taker.account || group != 0 && self.accounts[&order.account].group == group,
            });
        }
        makers
    }

    pub(super) fn plan(&self, mut taker: Taker) -> Plan {
        let mut makers = self.makers(&taker);
        let allocation = self.instruments[taker.instrument].allocation;
        let mut plan = Plan { steps: Vec::new(), stopped: false };
        let mut refreshed = 0;
        while taker.leaves > 0 && !makers.is_empty() {
            makers.sort_by_key(|maker| (maker.key, maker.hidden, maker.place));
            let (key, hidden) = (makers[0].key, makers[0].hidden);
            let level = makers.iter().take_while(|maker| (maker.key, maker.hidden) == (key, hidden)).count();
            let own = match allocation {
                Allocation::PriceTime => (0..1).find(|at| makers[*at].own),
                _ => (0..level).find(|at| makers[*at].own),
            };
            if let Some(at) = own {
                if prevent(&mut makers, at, &mut taker, &mut plan) {
                    plan.stopped = true;
                    return plan;
                }
                continue;
            }
            for (at, lots) in shares(&makers[..level], allocation, taker.leaves).into_iter().enumerate() {
                if lots == 0 {
                    continue;
                }
                let maker = &mut makers[at];
                plan.steps.push(Step::Trade(maker.number, lots));
                taker.leaves -= lots;
                maker.leaves -= lots;
                maker.shown -= lots;
                if maker.shown == 0 {
                    refreshed += 1;
                    (maker.shown, maker.place) = (maker.display.min(maker.leaves), (1, refreshed));
                }
            }
            makers.retain(|maker| maker.leaves > 0);
        }
        plan
    }

    /// How many lots a taker would trade.
    pub(super) fn reachable(&self, taker: Taker) -> u64 {
        let lots = |step: &Step| if let Step::Trade(_, lots) = step { *lots } else { 0 };
        self.plan(taker).steps.iter().map(lots).sum()
    }

    pub(super) fn change_options(&mut self, c: &ChangeAccountOptions) -> Result<(), Refused> {
        self.customer(c.account_id)?;
        let account = self.accounts.get_mut(&c.account_id).unwrap();
        account.group = c.trade_group.unwrap_or(account.group);
        let group = if account.group == 0 { "null".to_owned() } else { account.group.to_string() };
        if let Some(switch) = c.cancel_on_disconnect {
            account.cancel_on_disconnect = switch == Switch::On;
        }
        let cancels = account.cancel_on_disconnect;
        let data = Object::new().id("account_id", "acct", c.account_id).raw("trade_group", group);
        let data = if cancels { data.raw("cancel_on_disconnect", true) } else { data };
        self.tell("AccountOptionsChanged", &uuid("acct", c.account_id), data);
        Ok(())
    }

    pub(super) fn change_rules(&mut self, c: &ChangeInstrumentRules) -> Result<(), Refused> {
        let Some(at) = self.instrument(c.instrument_id) else { return venue("unknown_instrument") };
        let aggregate = uuid("inst", c.instrument_id);
        if let Some(chosen) = c.allocation {
            let allocation = match chosen.rule {
                AllocationRule::PriceTime => Allocation::PriceTime,
                AllocationRule::ProRata => Allocation::ProRata { minimum: chosen.least },
                AllocationRule::LeadMarketMaker => Allocation::LeadMarketMaker {
                    owner: (chosen.lead_account_id & 0xffff_ffff) as u32,
                    share_ppm: chosen.lead_share_ppm,
                },
            };
            if chosen.least > self.instruments[at].max_quantity {
                return Err(("quantity_too_large", aggregate));
            }
            if chosen.rule == AllocationRule::LeadMarketMaker && self.customer(chosen.lead_account_id).is_err() {
                return Err(("unknown_account", aggregate));
            }
            self.instruments[at].allocation = allocation;
        }
        self.instruments[at].self_trade = c.self_trade_prevention.or(self.instruments[at].self_trade);
        let prevention = match self.mode(at, None) {
            SelfTradePrevention::CancelNewest => "CANCEL_NEWEST",
            SelfTradePrevention::CancelOldest => "CANCEL_OLDEST",
            SelfTradePrevention::CancelBoth => "CANCEL_BOTH",
            SelfTradePrevention::DecrementAndCancel => "DECREMENT_AND_CANCEL",
        };
        let data = Object::new()
            .id("instrument_id", "inst", c.instrument_id)
            .text("symbol", &self.instruments[at].symbol)
            .text("self_trade_prevention", prevention);
        let data = match self.instruments[at].allocation {
            Allocation::PriceTime => data.text("allocation", "PRICE_TIME"),
            Allocation::ProRata { minimum } => {
                data.text("allocation", "PRO_RATA").text("least_allocation", &self.instruments[at].quantity(minimum))
            }
            Allocation::LeadMarketMaker { owner, share_ppm } => data
                .text("allocation", "LEAD_MARKET_MAKER")
                .id("lead_account_id", "acct", id(owner.into()))
                .text("lead_share", &decimal(share_ppm.into(), 6)),
        };
        self.tell("InstrumentRulesChanged", &aggregate, data);
        Ok(())
    }

    /// An order that stays open says that it has changed; returns which event says so.
    pub(super) fn restate(&mut self, number: u64, reason: &str, postings: &[String]) -> usize {
        let order = self.orders[&number].clone();
        let instrument = &self.instruments[order.instrument];
        let data = Object::new()
            .id("order_id", "ordr", id(number))
            .id("account_id", "acct", order.account)
            .text("symbol", &instrument.symbol)
            .text("side", side_text(order.side))
            .text("reason", reason)
            .text("quantity", &instrument.quantity(order.quantity))
            .text("status", order.status())
            .text("cum_quantity", &instrument.quantity(order.quantity - order.leaves))
            .text("leaves_quantity", &instrument.quantity(order.leaves))
            .raw("rests", self.rests(&order))
            .list("postings", postings);
        self.tell("OrderRestated", &uuid("ordr", id(number)), data);
        self.told.len() - 1
    }

    /// Takes lots from an order without a trade; what has nothing left ends.
    pub(super) fn shrink(&mut self, number: u64, lots: u64) -> usize {
        let before = self.orders[&number].clone();
        if before.leaves == lots {
            self.end(number, "self_trade");
            return self.told.len() - 1;
        }
        let order = self.orders.get_mut(&number).unwrap();
        order.quantity -= lots;
        order.leaves -= lots;
        order.shown = order.shown.min(order.leaves);
        let postings = self.hold_anew(&before, &self.orders[&number].clone());
        self.restate(number, "self_trade", &postings)
    }
}

/// Whether matching ends.
fn prevent(makers: &mut Vec<Maker>, at: usize, taker: &mut Taker, plan: &mut Plan) -> bool {
    let number = makers[at].number;
    match taker.mode {
        SelfTradePrevention::CancelNewest => true,
        SelfTradePrevention::CancelOldest | SelfTradePrevention::CancelBoth => {
            plan.steps.push(Step::Cancel(number));
            makers.remove(at);
            taker.mode == SelfTradePrevention::CancelBoth
        }
        SelfTradePrevention::DecrementAndCancel => {
            let lots = makers[at].leaves.min(taker.leaves);
            plan.steps.push(Step::Decrement(number, lots));
            taker.leaves -= lots;
            makers[at].leaves -= lots;
            makers.retain(|maker| maker.leaves > 0);
            taker.leaves == 0
        }
    }
}

/// What each order of a level trades.
fn shares(level: &[Maker], allocation: Allocation, incoming: u64) -> Vec<u64> {
    let total: u64 = level.iter().map(|maker| maker.shown).sum();
    let quantity = incoming.min(total);
    let mut shares = vec![0; level.len()];
    let mut left = quantity;
    match allocation {
        Allocation::PriceTime => return vec![level[0].shown.min(incoming)],
        Allocation::ProRata { minimum } => {
            for (share, maker) in shares.iter_mut().zip(level) {
                let part = (u128::from(quantity) * u128::from(maker.shown) / u128::from(total)) as u64;
                *share = if part < minimum { 0 } else { part };
                left -= *share;
            }
        }
        Allocation::LeadMarketMaker { owner, share_ppm } => {
            let mut lead = (u128::from(quantity) * u128::from(share_ppm) / 1_000_000) as u64;
            for (share, maker) in shares.iter_mut().zip(level) {
                if maker.account == id(owner.into()) {
                    *share = maker.shown.min(lead);
                    lead -= *share;
                    left -= *share;
                }
            }
        }
    }
    for (share, maker) in shares.iter_mut().zip(level) {
        let more = (maker.shown - *share).min(left);
        *share += more;
        left -= more;
    }
    shares
}
