//! Reading what only few orders have, and how an instrument's orders meet.

use super::{Reader, Result, SnapshotError, consistent};
use crate::attributes::Attributes;
use crate::book::Allocation;
use crate::limit;
use crate::peg::Peg;
use crate::vocabulary::{AccountKind, AllocationRule, OrderType, SelfTradePrevention, Side, TimeInForce};
use crate::{Engine, account::Account};

/// What an order has beside its terms.
pub(super) struct Extra {
    pub(super) attributes: Attributes,
    pub(super) hidden: bool,
    /// Zero: all of it.
    pub(super) display: u64,
}

pub(super) fn read_attributes(r: &mut Reader<'_>, side: Side, time_in_force: TimeInForce) -> Result<Extra> {
    let expire_at_ms = r.u64()?;
    let expires = (time_in_force == TimeInForce::Gtd) == (expire_at_ms != 0);
    consistent(expires && expire_at_ms <= limit::TIME_MS_MAX, "an expire time")?;
    let self_trade = match r.u8()? {
        0 => None,
        byte => Some(SelfTradePrevention::from_byte(byte).ok_or(SnapshotError::Inconsistent("self-trade prevention"))?),
    };
    let market = r.word(|byte| [false, true].get(usize::from(byte)).copied(), "whether an order names a price")?;
    let hidden = r.word(|byte| [false, true].get(usize::from(byte)).copied(), "whether an order is hidden")?;
    let display = r.u64()?;
    consistent(display == 0 || !hidden, "a displayed quantity")?;
    consistent(!market || display == 0 && !hidden, "what is displayed of a market order")?;
    let peg = read_peg(r, side)?;
    Ok(Extra { attributes: Attributes { expire_at_ms, waiting: None, self_trade, market, peg }, hidden, display })
}

fn read_peg(r: &mut Reader<'_>, side: Side) -> Result<Option<Peg>> {
    let byte = r.u8()?;
    if byte == 0 {
        return Ok(None);
    }
    let order_type = OrderType::from_byte(byte).filter(|order_type| order_type.is_pegged());
    let order_type = order_type.ok_or(SnapshotError::Inconsistent("a peg"))?;
    let (offset, limit) = (r.u64()? as i64, r.u64()?);
    consistent(side == Side::Sell || limit != 0, "a peg")?;
    Ok(Some(Peg { side, order_type, offset, limit }))
}

/// Self-trade prevention and allocation of an instrument.
pub(super) fn read_rules(
    r: &mut Reader<'_>,
    engine: &Engine,
    max_quantity: u64,
) -> Result<(SelfTradePrevention, Allocation)> {
    let self_trade = r.word(SelfTradePrevention::from_byte, "self-trade prevention")?;
    let rule = r.word(AllocationRule::from_byte, "an allocation")?;
    let (number, share_ppm) = (r.u64()?, r.u32()?);
    let allocation = match rule {
        AllocationRule::PriceTime if (number, share_ppm) == (0, 0) => Allocation::PriceTime,
        AllocationRule::ProRata if number <= max_quantity && share_ppm == 0 => Allocation::ProRata { minimum: number },
        AllocationRule::LeadMarketMaker if share_ppm <= 1_000_000 => {
            let owner = u32::try_from(number).map_err(|_| SnapshotError::Inconsistent("an allocation"))?;
            let lead = engine.accounts.list().get(owner as usize);
            consistent(lead.is_some_and(is_customer), "a lead market maker")?;
            Allocation::LeadMarketMaker { owner, share_ppm }
        }
        _ => return Err(SnapshotError::Inconsistent("an allocation")),
    };
    Ok((self_trade, allocation))
}

fn is_customer(account: &Account) -> bool {
    matches!(account.kind, AccountKind::Customer | AccountKind::House)
}
