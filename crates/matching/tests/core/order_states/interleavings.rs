//! Every sequence of fills, replacements, cancels and sessions up to a length, against the standard's rules written
//! down once more: a request is honoured while something is left, and what is told adds up.

use matching::command::{CancelOrder, Command, PlaceOrder};
use matching::vocabulary::{Session, Side, TimeInForce};

use super::{CENTS, OTHER, OWNER, Report, Watched, limit, session};

const LENGTH: usize = 5;
const QUANTITY: u64 = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Fill(u64),
    /// To as much as was ordered and so many lots more or less.
    ReplaceBy(i64),
    /// To as much as is executed and so many lots more.
    ReplaceToExecuted(u64),
    Reprice(u64),
    Cancel,
    Close,
    Open,
}

const STEPS: [Step; 10] = [
    Step::Fill(1),
    Step::Fill(100),
    Step::ReplaceBy(2),
    Step::ReplaceBy(-1),
    Step::ReplaceToExecuted(0),
    Step::ReplaceToExecuted(1),
    Step::Reprice(9),
    Step::Cancel,
    Step::Close,
    Step::Open,
];

/// What the standard says of an order, as plainly as possible.
#[derive(Clone, Copy, Debug)]
struct Rules {
    ends_with_session: bool,
    closed: bool,
    price: u64,
    quantity: u64,
    cum: u64,
    paid: u64,
    ended: Option<&'static str>,
}

impl Rules {
    fn status(&self) -> &'static str {
        match self.ended {
            Some(status) => status,
            None if self.cum == 0 => "New",
            None if self.cum == self.quantity => "Filled",
            None => "PartiallyFilled",
        }
    }

    fn is_open(&self) -> bool {
        self.ended.is_none() && self.cum < self.quantity
    }

    fn tell(&self, exec_type: &'static str, last_quantity: u64) -> Vec<Report> {
        let leaves_quantity = if self.is_open() { self.quantity - self.cum } else { 0 };
        vec![Report::Execution {
            exec_type,
            status: self.status(),
            order_quantity: self.quantity,
            cum_quantity: self.cum,
            leaves_quantity,
            last_quantity,
            paid: self.paid,
        }]
    }

    fn reject(&self, reason: &'static str) -> Vec<Report> {
        vec![Report::CancelReject { status: self.status(), reason }]
    }

    fn step(&mut self, step: Step) -> Vec<Report> {
        match step {
            Step::Fill(offered) => {
                if self.closed || !self.is_open() {
                    return Vec::new();
                }
                let last = offered.min(self.quantity - self.cum);
                self.cum += last;
                self.paid += last * self.price;
                self.tell("Trade", last)
            }
            Step::ReplaceBy(more) => self.replace(self.quantity.saturating_add_signed(more), self.price),
            Step::ReplaceToExecuted(more) => self.replace(self.cum + more, self.price),
            Step::Reprice(price) => self.replace(self.quantity, price * CENTS),
            Step::Cancel if self.is_open() => {
                self.ended = Some("Canceled");
                self.tell("Canceled", 0)
            }
            Step::Cancel => self.reject("order_closed"),
            Step::Close => {
                self.closed = true;
                if self.is_open() && self.ends_with_session {
                    self.ended = Some("Expired");
                    return self.tell("Expired", 0);
                }
                Vec::new()
            }
            Step::Open => {
                self.closed = false;
                Vec::new()
            }
        }
    }

    fn replace(&mut self, quantity: u64, price: u64) -> Vec<Report> {
        if !self.is_open() {
            return self.reject("order_closed");
        }
        if self.closed {
            return self.reject("market_closed");
        }
        if quantity == 0 {
            return self.reject("invalid_quantity");
        }
        if quantity <= self.cum {
            return self.reject("quantity_below_executed");
        }
        (self.quantity, self.price) = (quantity, price);
        self.tell("Replace", 0)
    }
}

/// The command of a step; the rules know what the order is like before it.
fn command(step: Step, watched: &Watched, rules: &Rules) -> Command<'static> {
    match step {
        Step::Fill(quantity) => Command::PlaceOrder(PlaceOrder {
            time_in_force: TimeInForce::Ioc,
            ..limit(OTHER, Side::Sell, quantity, rules.price)
        }),
        Step::ReplaceBy(more) => watched.replacement(Some(rules.quantity.saturating_add_signed(more)), None),
        Step::ReplaceToExecuted(more) => watched.replacement(Some(rules.cum + more), None),
        Step::Reprice(price) => watched.replacement(None, Some(price * CENTS)),
        Step::Cancel => Command::CancelOrder(CancelOrder { account_id: OWNER, order_id: watched.order_id() }),
        Step::Close => session(Session::Closed),
        Step::Open => session(Session::Continuous),
    }
}

/// Takes every step from here, and every one from there; returns how many sequences it walked.
fn walk(watched: &Watched, rules: Rules, past: &mut Vec<Step>) -> u64 {
    if past.len() == LENGTH {
        return 1;
    }
    let mut walked = 0;
    for step in STEPS {
        let (mut next, mut then) = (watched.clone(), rules);
        let found = next.apply(command(step, watched, &rules));
        past.push(step);
        assert_eq!(found, then.step(step), "{past:?}");
        let open = next.engine.markets()[0].book.best(Side::Buy).is_some();
        assert_eq!(open, then.is_open(), "{past:?}: it rests as long as something is left");
        walked += walk(&next, then, past);
        past.pop();
    }
    walked
}

#[test]
fn every_short_sequence_of_requests_and_fills_keeps_the_standards_quantities() {
    for time_in_force in ["GTC", "DAY"] {
        let mut watched = Watched::begin();
        let told = watched.step(&["place", &QUANTITY.to_string(), "10", time_in_force]);
        let rules = Rules {
            ends_with_session: time_in_force == "DAY",
            closed: false,
            price: 10 * CENTS,
            quantity: QUANTITY,
            cum: 0,
            paid: 0,
            ended: None,
        };
        assert_eq!(told, rules.tell("New", 0));
        assert_eq!(walk(&watched, rules, &mut Vec::new()), (STEPS.len() as u64).pow(LENGTH as u32));
    }
}
