//! What an account chooses for all its orders, and how an instrument's orders meet.

use super::record::{Reader, Record, RecordError};
use crate::vocabulary::{AllocationRule, SelfTradePrevention, Switch};

const MILLION: u32 = 1_000_000;

/// Changes an account's options; what is not given stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeAccountOptions {
    /// Whose.
    pub account_id: u64,
    /// Whether a lost connection ends its orders.
    pub cancel_on_disconnect: Option<Switch>,
    /// Accounts of one trade group never trade with each other; zero: it is in none.
    pub trade_group: Option<u32>,
}

/// Changes an instrument's rules; what is not given stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeInstrumentRules {
    /// The instrument.
    pub instrument_id: u64,
    /// For orders that do not say themselves.
    pub self_trade_prevention: Option<SelfTradePrevention>,
    /// How what comes in is shared among the orders of a price.
    pub allocation: Option<ChosenAllocation>,
}

/// A rule of allocation with what it needs; zero where it needs nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChosenAllocation {
    /// Which.
    pub rule: AllocationRule,
    /// Of pro-rata: a smaller share, in lots, is none.
    pub least: u64,
    /// Of a lead market maker: whose orders come first.
    pub lead_account_id: u64,
    /// Of a lead market maker: how much of what comes in, in millionths.
    pub lead_share_ppm: u32,
}

pub(super) fn decode_options(r: &mut Reader<'_, '_>) -> Result<ChangeAccountOptions, RecordError> {
    let given = r.presence(0b11)?;
    let (switch, group) = (r.u8(2), r.u64(32));
    if given & 1 == 0 && switch != 0 {
        return Err(RecordError::NotAbsent("cancel on disconnect"));
    }
    let switch = Switch::from_byte(switch).ok_or(RecordError::Word("cancel on disconnect"))?;
    if given & 0b10 == 0 && group != 0 {
        return Err(RecordError::NotAbsent("trade group"));
    }
    let group = u32::try_from(group).ok().filter(|group| *group != crate::book::NO_GROUP);
    let group = group.ok_or(RecordError::TooLarge("trade group"))?;
    Ok(ChangeAccountOptions {
        account_id: r.u64(16),
        cancel_on_disconnect: (given & 1 != 0).then_some(switch),
        trade_group: (given & 0b10 != 0).then_some(group),
    })
}

pub(super) fn encode_options(c: &ChangeAccountOptions, r: &mut Record) {
    r.presence(0, c.cancel_on_disconnect.is_some()).u8(2, c.cancel_on_disconnect.map_or(0, |word| word as u8));
    r.presence(1, c.trade_group.is_some()).u64(16, c.account_id).u64(32, c.trade_group.unwrap_or(0).into());
}

pub(super) fn decode_rules(r: &mut Reader<'_, '_>) -> Result<ChangeInstrumentRules, RecordError> {
    let given = r.presence(0b11)?;
    let (prevention, rule) = (r.u8(2), r.u8(3));
    let (lead_account_id, least, lead_share_ppm) = (r.u64(32), r.u64(40), r.u32(80));
    if given & 1 == 0 && prevention != 0 {
        return Err(RecordError::NotAbsent("self-trade prevention"));
    }
    let rule = AllocationRule::from_byte(rule).ok_or(RecordError::Word("allocation"))?;
    if rule != AllocationRule::ProRata && least != 0 {
        return Err(RecordError::NotAbsent("least allocation"));
    }
    if rule != AllocationRule::LeadMarketMaker && (lead_account_id != 0 || lead_share_ppm != 0) {
        return Err(RecordError::NotAbsent("lead market maker"));
    }
    if lead_share_ppm > MILLION {
        return Err(RecordError::TooLarge("lead market maker's share"));
    }
    if given & 2 == 0 && rule != AllocationRule::PriceTime {
        return Err(RecordError::NotAbsent("allocation"));
    }
    let word = SelfTradePrevention::from_byte(prevention).ok_or(RecordError::Word("self-trade prevention"));
    Ok(ChangeInstrumentRules {
        instrument_id: r.u64(24),
        self_trade_prevention: if given & 1 == 0 { None } else { Some(word?) },
        allocation: (given & 2 != 0).then_some(ChosenAllocation { rule, least, lead_account_id, lead_share_ppm }),
    })
}

pub(super) fn encode_rules(c: &ChangeInstrumentRules, r: &mut Record) {
    r.presence(0, c.self_trade_prevention.is_some()).presence(1, c.allocation.is_some()).u64(24, c.instrument_id);
    r.u8(2, c.self_trade_prevention.map_or(0, |word| word as u8));
    if let Some(chosen) = &c.allocation {
        r.u8(3, chosen.rule as u8).u64(32, chosen.lead_account_id).u64(40, chosen.least);
        r.u32(80, chosen.lead_share_ppm);
    }
}
