//! Self-trade prevention: what happens where an incoming order meets one of its owner or trade group.

use super::{Book, Ending, Incoming, Prevented, SelfTrade, Sink};

impl Book {
    /// Prevents one trade with the resting order in `slot`; `Some` if matching ends with it.
    #[cold]
    pub(super) fn prevent<S: Sink>(&mut self, incoming: &mut Incoming, slot: u32, sink: &mut S) -> Option<Ending> {
        match incoming.self_trade {
            SelfTrade::CancelNewest => Some(Ending::OwnOrder),
            SelfTrade::CancelOldest => {
                self.cancel_own(slot, sink);
                None
            }
            SelfTrade::CancelBoth => {
                self.cancel_own(slot, sink);
                Some(Ending::OwnOrder)
            }
            SelfTrade::Decrement => self.decrement(incoming, slot, sink),
        }
    }

    fn cancel_own<S: Sink>(&mut self, slot: u32, sink: &mut S) {
        sink.prevented(slot, self.orders.get_mut(slot), Prevented::Canceled);
        self.remove(slot);
    }

    fn decrement<S: Sink>(&mut self, incoming: &mut Incoming, slot: u32, sink: &mut S) -> Option<Ending> {
        let leaves = self.order(slot).leaves;
        let lots = leaves.min(incoming.leaves);
        incoming.leaves -= lots;
        self.set_leaves(slot, leaves - lots);
        let shown = self.displayed(slot);
        let maker = self.orders.get_mut(slot);
        maker.quantity -= lots;
        sink.prevented(slot, maker, Prevented::Decremented { lots, shown });
        if lots == leaves {
            self.remove(slot);
        }
        (incoming.leaves == 0).then_some(Ending::OwnOrder)
    }
}
