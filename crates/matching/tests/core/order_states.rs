//! FIX 4.4's order state change matrices, line by line, and every short sequence of requests and fills against their
//! rules.

use matching::Engine;
use matching::command::{
    CancelAll, CancelOrder, ChangeSession, Command, ListAsset, ListInstrument, OpenAccount, PlaceOrder, ReplaceOrder,
    Stamped, Terms, Transfer,
};
use matching::event::{Body, Events};
use matching::ladder::LadderKind;
use matching::number::Unit;
use matching::vocabulary::{AssetKind, OrderType, SelfTradePrevention, Session, Side, Status, TimeInForce};

use crate::reference::{LOG, id};

mod interleavings;

const MATRICES: &str = include_str!("../../../../contracts/fix44/order_states.txt");

const OWNER: u64 = id(4);
const OTHER: u64 = id(5);
const CASH: u128 = 250_000 * DOLLAR;
/// Ledger units.
const DOLLAR: u128 = 10_000;
/// Price units.
const CENTS: u64 = 100;

/// One report to the order's owner, quantities in lots.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Report {
    Execution {
        exec_type: &'static str,
        status: &'static str,
        order_quantity: u64,
        cum_quantity: u64,
        leaves_quantity: u64,
        last_quantity: u64,
        /// Price units: what was paid in all; the average price is this by `cum_quantity`.
        paid: u64,
    },
    CancelReject {
        status: &'static str,
        reason: &'static str,
    },
}

/// A venue, and what the owner of its one watched order knows of it.
#[derive(Clone)]
struct Watched {
    engine: Engine,
    order: Option<u64>,
    orders: u64,
    price: u64,
    status: &'static str,
    quantity: u64,
    cum: u64,
    leaves: u64,
    paid: u64,
}

impl Watched {
    fn begin() -> Self {
        let mut engine = Engine::with_ladder(LOG, LadderKind::Ordered).expect("a small log number");
        for command in venue() {
            engine.apply(&Stamped { stamp_ns: 1, command }, &mut Events::default());
        }
        // What is unknown is rejected.
        let status = "Rejected";
        Self { engine, order: None, orders: 0, price: 0, status, quantity: 0, cum: 0, leaves: 0, paid: 0 }
    }

    /// Does one step and returns what the owner is told.
    fn step(&mut self, words: &[&str]) -> Vec<Report> {
        let number = |at: usize| words[at].parse::<u64>().unwrap_or_else(|_| panic!("a number in {words:?}"));
        let command = match words[0] {
            "place" => {
                self.price = number(2) * CENTS;
                self.order = Some(self.orders + 1);
                Command::PlaceOrder(PlaceOrder {
                    time_in_force: time_in_force(words[3]),
                    ..limit(OWNER, Side::Buy, number(1), self.price)
                })
            }
            "spend" => {
                self.order = Some(self.orders + 1);
                let mut order = limit(OWNER, Side::Buy, 0, 0);
                order.order_type = OrderType::Market;
                order.terms.budget = u128::from(number(1)) * DOLLAR;
                Command::PlaceOrder(order)
            }
            "offer" => Command::PlaceOrder(limit(OTHER, Side::Sell, number(1), number(2) * CENTS)),
            "fill" => Command::PlaceOrder(PlaceOrder {
                time_in_force: TimeInForce::Ioc,
                ..limit(OTHER, Side::Sell, number(1), self.price)
            }),
            "own-sell" => {
                let mut order = limit(OWNER, Side::Sell, number(1), self.price);
                order.terms.self_trade_prevention = Some(SelfTradePrevention::DecrementAndCancel);
                Command::PlaceOrder(order)
            }
            "replace" => {
                let price = (words.len() > 2).then(|| number(2) * CENTS);
                self.price = price.unwrap_or(self.price);
                self.replacement(Some(number(1)), price)
            }
            "cancel" => Command::CancelOrder(CancelOrder { account_id: OWNER, order_id: self.order_id() }),
            "cancel-unknown" => Command::CancelOrder(CancelOrder { account_id: OWNER, order_id: id(99) }),
            "close" => session(Session::Closed),
            "open" => session(Session::Continuous),
            "venue-cancels" => Command::CancelAll(CancelAll { account_id: OWNER, instrument_id: None }),
            other => panic!("unknown step {other}"),
        };
        self.apply(command)
    }

    fn order_id(&self) -> u64 {
        id(self.order.expect("an order"))
    }

    fn replacement(&self, quantity: Option<u64>, price: Option<u64>) -> Command<'static> {
        Command::ReplaceOrder(ReplaceOrder {
            account_id: OWNER,
            order_id: self.order_id(),
            quantity,
            price,
            trigger_price: None,
            client_order_id: None,
        })
    }

    fn apply(&mut self, command: Command<'static>) -> Vec<Report> {
        self.orders += u64::from(matches!(command, Command::PlaceOrder(_)));
        let mut events = Events::default();
        self.engine.apply(&Stamped { stamp_ns: 1, command }, &mut events);
        events.list.iter().filter_map(|event| self.hear(&event.body)).collect()
    }

    /// What an event says of the watched order, in FIX's words.
    fn hear(&mut self, body: &Body) -> Option<Report> {
        let own = self.order.map(id);
        let (exec_type, status, cum, leaves, last) = match body {
            Body::OrderCreated(e) if Some(e.order_id.0) == own => {
                self.quantity = e.quantity.0;
                ("New", e.status, e.cum_quantity, e.leaves_quantity, 0)
            }
            Body::OrderExecuted(e) if Some(e.order_id.0) == own => {
                self.paid += e.price.0 * e.quantity.0;
                ("Trade", e.status, e.cum_quantity, e.leaves_quantity, e.quantity.0)
            }
            Body::OrderReplaced(e) if Some(e.order_id.0) == own => {
                self.quantity = e.quantity.0;
                ("Replace", e.status, e.cum_quantity, e.leaves_quantity, 0)
            }
            Body::OrderRestated(e) if Some(e.order_id.0) == own => {
                self.quantity = e.quantity.0;
                ("Restated", e.status, e.cum_quantity, e.leaves_quantity, 0)
            }
            Body::OrderCanceled(e) if Some(e.order_id.0) == own => {
                ("Canceled", e.status, e.cum_quantity, e.leaves_quantity, 0)
            }
            Body::OrderExpired(e) if Some(e.order_id.0) == own => {
                ("Expired", e.status, e.cum_quantity, e.leaves_quantity, 0)
            }
            Body::OrderCancelRejected(e) => {
                return Some(Report::CancelReject { status: self.status, reason: e.reason.text() });
            }
            _ => return None,
        };
        (self.status, self.cum, self.leaves) = (order_status(status), cum.0, leaves.0);
        Some(self.report(exec_type, last))
    }

    fn report(&self, exec_type: &'static str, last_quantity: u64) -> Report {
        Report::Execution {
            exec_type,
            status: self.status,
            order_quantity: self.quantity,
            cum_quantity: self.cum,
            leaves_quantity: self.leaves,
            last_quantity,
            paid: self.paid,
        }
    }
}

fn venue() -> Vec<Command<'static>> {
    let asset = |symbol, scale, kind| Command::ListAsset(ListAsset { symbol, scale, kind });
    let deposit =
        |account_id, asset: u64, amount| Command::Deposit(Transfer { account_id, asset_id: id(asset), amount });
    vec![
        Command::OpenVenue,
        asset("USD", 4, AssetKind::Currency),
        asset("GOOG", 0, AssetKind::Security),
        Command::ListInstrument(ListInstrument {
            symbol: "GOOG",
            base: id(2),
            quote: id(1),
            price_unit: Unit { mantissa: 1, scale: 2 },
            lot_unit: Unit { mantissa: 1, scale: 0 },
            max_price: 100_000,
            max_quantity: 1_000_000,
            protection_ppm: 50_000,
            calendar: "",
        }),
        Command::OpenAccount(OpenAccount { user_id: "owner" }),
        Command::OpenAccount(OpenAccount { user_id: "other" }),
        deposit(OWNER, 1, CASH),
        deposit(OWNER, 2, 100_000),
        deposit(OTHER, 2, 1_000_000),
    ]
}

fn limit(account_id: u64, side: Side, quantity: u64, price: u64) -> PlaceOrder<'static> {
    PlaceOrder {
        account_id,
        instrument_id: id(1),
        side,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Gtc,
        quantity,
        price,
        protection_price: 0,
        client_order_id: None,
        terms: Terms::default(),
    }
}

fn session(session: Session) -> Command<'static> {
    Command::ChangeSession(ChangeSession { instrument_id: id(1), session, reason: "" })
}

fn time_in_force(word: &str) -> TimeInForce {
    *TimeInForce::ALL.iter().find(|known| known.text() == word).unwrap_or_else(|| panic!("{word}: no time in force"))
}

fn order_status(status: Status) -> &'static str {
    match status {
        Status::Pending => "New",
        Status::PartiallyExecuted => "PartiallyFilled",
        Status::Executed => "Filled",
        Status::Canceled => "Canceled",
        Status::Expired => "Expired",
        Status::Rejected => "Rejected",
    }
}

/// A case of the table: its title, where it can be asked, and its steps with what is told.
struct Case {
    title: &'static str,
    only: &'static str,
    none: &'static str,
    steps: Vec<(Vec<&'static str>, &'static str)>,
}

fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in MATRICES.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        if !line.starts_with(' ') {
            cases.push(Case { title: line, only: "", none: "", steps: Vec::new() });
            continue;
        }
        let (line, case) = (line.trim(), cases.last_mut().expect("a case before its lines"));
        if let Some((step, told)) = line.split_once('|') {
            case.steps.push((step.split_whitespace().collect(), told.trim()));
        } else if let Some(only) = line.strip_prefix("only: ") {
            case.only = only;
        } else if let Some(none) = line.strip_prefix("none: ") {
            case.none = none;
        } else {
            assert!(line.starts_with("differs: "), "{}: {line}", case.title);
        }
    }
    cases
}

/// A report as the table has it; the average price is a decimal of at most three places there.
fn render(report: &Report) -> String {
    match report {
        Report::CancelReject { status, reason } => format!("CancelReject {status} {reason}"),
        Report::Execution { exec_type, status, order_quantity, cum_quantity, leaves_quantity, last_quantity, paid } => {
            let average = average(*paid, *cum_quantity);
            let quantities = format!("{order_quantity} {cum_quantity} {leaves_quantity} {last_quantity}");
            format!("{exec_type} {status} {quantities} {average}")
        }
    }
}

fn average(paid: u64, cum: u64) -> String {
    let thousandths = (paid * 10).checked_div(cum).unwrap_or(0);
    assert_eq!(thousandths * cum, paid * 10, "an average price of three places");
    let text = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[test]
fn every_matrix_tells_what_the_standard_tells() {
    let cases = cases();
    let (mut ran, mut left_out) = (0, 0);
    for case in &cases {
        if !case.none.is_empty() || case.only == "v1" {
            assert!(case.none.is_empty() || case.steps.is_empty(), "{}: either steps or none", case.title);
            left_out += 1;
            continue;
        }
        assert!(!case.steps.is_empty(), "{}: no steps", case.title);
        let mut watched = Watched::begin();
        for (step, expected) in &case.steps {
            let told: Vec<String> = watched.step(step).iter().map(render).collect();
            assert_eq!(told.join("; "), *expected, "{}: {}", case.title, step.join(" "));
        }
        ran += 1;
    }
    assert_eq!((ran, left_out), (32, 16), "cases that run, and that do not apply to the core");
}
