//! Post-only: an order that never takes. It is refused where it would, or moves, once, to where it does not.

use crate::book::Book;
use crate::vocabulary::{PostOnly, Reason, Side};

/// The price at which a limit order works: its own, unless it is post-only and would trade.
pub(super) fn working_price(
    book: &Book,
    post_only: Option<PostOnly>,
    side: Side,
    price: u64,
    max_price: u64,
) -> Result<u64, Reason> {
    let Some(post_only) = post_only.filter(|_| book.crosses(side, price)) else { return Ok(price) };
    let slid = match (post_only, side) {
        (PostOnly::Reject, _) => None,
        (PostOnly::Slide, Side::Buy) => book.best_with_hidden(Side::Sell).and_then(|ask| ask.checked_sub(1)),
        (PostOnly::Slide, Side::Sell) => book.best_with_hidden(Side::Buy).and_then(|bid| bid.checked_add(1)),
    };
    slid.filter(|price| (1..=max_price).contains(price)).ok_or(Reason::PostOnlyWouldTrade)
}
