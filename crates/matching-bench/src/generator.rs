//! The public benchmark's workload: the same messages for a scenario, a seed and a count, whoever makes them.

// A workload is drawn from distributions; no price or quantity of a client is a float.
#![allow(clippy::float_arithmetic, clippy::cast_precision_loss, clippy::cast_possible_truncation)]
#![allow(clippy::cast_sign_loss)]

use std::f64::consts::{LN_2, PI};

use matching::vocabulary::Side;
use rand_mt::Mt;

use crate::message::{Kind, Message};

/// How prices move.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name on the command line and in results.
    pub name: &'static str,
    volatility: f64,
    swing: f64,
}

/// The five scenarios of the benchmark.
pub const SCENARIOS: [Scenario; 5] = [
    Scenario { name: "normal", volatility: 0.15, swing: 0.02 },
    Scenario { name: "static", volatility: 0.0, swing: 0.0 },
    Scenario { name: "swing-25", volatility: 0.50, swing: 0.25 },
    Scenario { name: "swing-40", volatility: 0.50, swing: 0.40 },
    Scenario { name: "flash-crash", volatility: 0.50, swing: 0.60 },
];
/// The seed of the published figures.
pub const SEED: u32 = 23;
/// New orders of the published figures.
pub const COUNT: u32 = 1_000_000;

const TICK: f64 = 0.005;
const START_PRICE: f64 = 167.52;
const LEVELS: usize = 800;
const POWER_LAW: f64 = -2.23;
const HUMP: f64 = 5.0;
const HUMP_AT: f64 = 8.0;
const LEAST_UNIFORM: f64 = 1e-300;
const MEDIAN_LIFETIME_US: f64 = 431.0;
const QUANTITY_MAX: u64 = 100;
const IMMEDIATE: f64 = 0.15;
const MODIFIED: f64 = 0.20;
const REPRICED: f64 = 0.80;
const CANCELED: f64 = 0.95;
const DUPLICATED: f64 = 0.02;

/// The scenario of a name.
pub fn scenario(name: &str) -> Option<Scenario> {
    SCENARIOS.iter().copied().find(|scenario| scenario.name == name)
}

/// The messages of a scenario: about two for each of the `count` new orders.
pub fn generate(scenario: Scenario, seed: u32, count: u32) -> Vec<Message> {
    let mut draws = Draws(Mt::new(seed));
    let orders = draw_orders(scenario, count, &mut draws);
    let mut order: Vec<u32> = (0..count).collect();
    for last in (1..u64::from(count)).rev() {
        order.swap(last as usize, draws.integer(0, last) as usize);
    }
    let mut timeline = Timeline { now: 0, messages: Vec::with_capacity(2 * count as usize) };
    for index in order {
        timeline.live(u64::from(index) + 1, orders[index as usize], &mut draws);
    }
    timeline.messages.sort_by_key(|(time, _)| *time);
    let numbered = (0..).zip(timeline.messages);
    numbered.map(|(seq, (_, message))| Message { seq, ..message }).collect()
}

/// An order as it is entered.
#[derive(Clone, Copy)]
struct Drawn {
    level: u32,
    price: u32,
    quantity: u32,
    side: Side,
}

/// Phase 1: the mid price walks, and each order lies some levels from it.
fn draw_orders(scenario: Scenario, count: u32, draws: &mut Draws) -> Vec<Drawn> {
    let running = running_weights();
    let total = running[LEVELS - 1];
    let Scenario { volatility, swing, .. } = scenario;
    let step =
        if volatility > 0.0 { volatility * ((swing / volatility).powi(2) / f64::from(count)).sqrt() } else { 0.0 };
    let mut mid = START_PRICE;
    let draw = |index: u32| {
        let z = draws.normal();
        let aim = draws.uniform() * total;
        let level = running.partition_point(|weight| *weight < aim).min(LEVELS - 1) as u32;
        let quantity = draws.integer(1, QUANTITY_MAX) as u32;
        mid *= (-step * step / 2.0 + step * z).exp();
        let side = if index < count / 2 { Side::Buy } else { Side::Sell };
        let mid_ticks = (mid / TICK).round() as i64;
        let away = i64::from(level) + 1;
        let price = if side == Side::Buy { mid_ticks - away } else { mid_ticks + away };
        Drawn { level, price: price.max(1) as u32, quantity, side }
    };
    (0..count).map(draw).collect()
}

fn running_weights() -> Vec<f64> {
    let mut total = 0.0;
    let weight = |level: usize| {
        let level = level as f64;
        total += (level + 1.0).powf(POWER_LAW) + HUMP * (-(level - HUMP_AT).powi(2) / 2.0).exp();
        total
    };
    (0..LEVELS).map(weight).collect()
}

/// Messages with the microsecond in which each is sent.
struct Timeline {
    now: u64,
    messages: Vec<(u64, Message)>,
}

impl Timeline {
    fn send(&mut self, message: Message) {
        self.messages.push((self.now, message));
    }

    /// Phase 3: what happens to one order.
    fn live(&mut self, order_id: u64, drawn: Drawn, draws: &mut Draws) {
        let Drawn { level, price, quantity, side } = drawn;
        let immediate = draws.uniform() < IMMEDIATE;
        let new = Message { order_id, seq: 0, price, quantity, kind: Kind::New, side, immediate };
        self.send(new);
        if immediate {
            self.now += 1;
            return;
        }
        let mut last = new;
        let modified = draws.uniform() < MODIFIED;
        if modified {
            self.now += 30 + draws.below(70);
            if draws.uniform() < REPRICED {
                last.price = if side == Side::Buy { price + 1 } else { price - 1 };
            }
            last.quantity += 1;
            self.send(Message { kind: Kind::Modify, ..last });
        }
        if draws.uniform() < CANCELED {
            let rate = LN_2 / MEDIAN_LIFETIME_US / (1.0 + f64::from(level)).sqrt();
            let cancel = Message { kind: Kind::Cancel, ..new };
            self.now += draws.exponential(rate);
            self.send(cancel);
            if draws.uniform() < DUPLICATED {
                self.now += 1 + draws.below(20);
                self.send(cancel);
            }
            if modified && draws.uniform() < DUPLICATED {
                self.now += 1 + draws.below(20);
                self.send(Message { kind: Kind::Modify, ..last });
            }
        }
        self.now += 1;
    }
}

struct Draws(Mt);

impl Draws {
    /// At least 0, below 1, with 53 bits.
    fn uniform(&mut self) -> f64 {
        let (high, low) = (self.0.next_u32() >> 5, self.0.next_u32() >> 6);
        (f64::from(high) * 67_108_864.0 + f64::from(low)) / 9_007_199_254_740_992.0
    }

    /// At least 0, below `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        (self.uniform() * bound as f64) as u64
    }

    /// From `low` to `high`, both included.
    fn integer(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    fn normal(&mut self) -> f64 {
        let first = self.uniform().max(LEAST_UNIFORM);
        let second = self.uniform();
        (-2.0 * first.ln()).sqrt() * (2.0 * PI * second).cos()
    }

    /// Whole microseconds.
    fn exponential(&mut self, rate: f64) -> u64 {
        (-self.uniform().max(LEAST_UNIFORM).ln() / rate) as u64
    }
}
