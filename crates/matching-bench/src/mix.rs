//! A quoting market: one instrument with 1,000 resting orders, of which most commands replace one.

use matching::ladder::LadderKind;
use matching::vocabulary::Side;
use rand_mt::Mt;

use crate::adapter::{Adapter, Reports};
use crate::message::{Kind, Message};
use crate::report::Report;

/// Orders that rest all the time, more or less.
pub const RESTING: usize = 1_000;
const MID: u32 = 50_000;
/// Ticks on each side of the mid.
const DEPTH: u32 = 200;
const QUANTITY_MAX: u32 = 100;
/// Of 10,075 commands so many replace, enter and end or reduce an order; the rest are immediate.
const REPLACED: u32 = 7_100;
const ENTERED: u32 = 1_300;
const ENDED: u32 = 1_500;
const IMMEDIATE: u32 = 175;

/// One command.
#[derive(Clone, Copy, Debug)]
pub enum Action {
    /// As the benchmark's messages; a modify replaces.
    Message(Message),
    /// Less of an order, which keeps its priority.
    Reduce(Message),
}

impl Action {
    /// Does it.
    #[inline]
    pub fn apply<R: Reports>(&self, adapter: &mut Adapter, reports: &mut R) {
        match self {
            Self::Message(message) => adapter.apply(message, reports),
            Self::Reduce(message) => adapter.reduce(message, reports),
        }
    }
}

/// The orders that rest at first, and the commands that follow.
pub fn generate(seed: u32, count: u32) -> (Vec<Action>, Vec<Action>) {
    let adapter = Adapter::new(LadderKind::default(), count as usize + RESTING);
    let mut quoting = Quoting { random: Mt::new(seed), adapter, open: Vec::new(), heard: Vec::new(), next_id: 1 };
    let opening = (0..RESTING as u32).map(|seq| quoting.enter(seq, false)).collect();
    let commands = (0..count).map(|seq| quoting.next(seq)).collect();
    (opening, commands)
}

/// The market while its commands are made: they name orders that are open.
struct Quoting {
    random: Mt,
    adapter: Adapter,
    open: Vec<(u64, Side)>,
    heard: Vec<Report>,
    next_id: u64,
}

impl Quoting {
    fn below(&mut self, bound: u32) -> u32 {
        self.random.next_u32() % bound
    }

    fn next(&mut self, seq: u32) -> Action {
        let kind = self.below(REPLACED + ENTERED + ENDED + IMMEDIATE);
        if kind < IMMEDIATE {
            return self.enter(seq, true);
        }
        let few = self.adapter.book().len() < RESTING as u32;
        if kind < IMMEDIATE + ENTERED {
            return self.enter(seq, false);
        }
        let at = self.below(self.open.len() as u32) as usize;
        let (order_id, side) = self.open[at];
        let message = |kind, price, quantity| Message { order_id, seq, price, quantity, kind, side, immediate: false };
        let quantity = 1 + self.below(QUANTITY_MAX);
        if kind < IMMEDIATE + ENTERED + REPLACED {
            let price = self.quote(side);
            return self.done(Action::Message(message(Kind::Modify, price, quantity)));
        }
        // As many cancels as the market needs to stay as it is.
        if few {
            return self.done(Action::Reduce(message(Kind::Modify, 0, quantity)));
        }
        self.open.swap_remove(at);
        self.done(Action::Message(message(Kind::Cancel, 0, 0)))
    }

    fn enter(&mut self, seq: u32, immediate: bool) -> Action {
        let side = if self.below(2) == 0 { Side::Buy } else { Side::Sell };
        let price = if immediate { MID } else { self.quote(side) };
        let reach = if side == Side::Buy { price + 3 } else { price - 3 };
        let (order_id, quantity) = (self.next_id, 1 + self.below(QUANTITY_MAX));
        self.next_id += 1;
        if !immediate {
            self.open.push((order_id, side));
        }
        let price = if immediate { reach } else { price };
        self.done(Action::Message(Message { order_id, seq, price, quantity, kind: Kind::New, side, immediate }))
    }

    /// A price on its own side of the mid, the nearer the likelier.
    fn quote(&mut self, side: Side) -> u32 {
        let away = 1 + self.below(DEPTH).min(self.below(DEPTH));
        if side == Side::Buy { MID - away } else { MID + away }
    }

    /// Does it, and forgets the orders that it ended.
    fn done(&mut self, action: Action) -> Action {
        self.heard.clear();
        action.apply(&mut self.adapter, &mut self.heard);
        let adapter = &self.adapter;
        for report in &self.heard {
            if report.taker_id != 0 && !adapter.is_open(report.order_id) {
                self.open.retain(|(id, _)| *id != report.order_id);
            }
        }
        action
    }
}
