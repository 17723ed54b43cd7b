//! Events: what happened, with its results, as values and as canonical JSON (schema version 1).
//!
//! One declaration gives the struct, its encoder and its strict decoder; the keys stand in the order of the JSON.
//! A field that names an instrument or an asset sets the units of the decimals after it.

use crate::catalog::Catalog;
use crate::vocabulary::{
    AccountKind, AccountState, AllocationRule, AssetKind, CommandKind, Ledger, Liquidity, OrderType, Reason, Reference,
    Request, Restated, SelfTradePrevention, Session, Side, Status, Switch, TimeInForce,
};

mod aggregate;
mod beside;
mod data;
mod field;
mod json;
mod terms;
pub use aggregate::Aggregate;
pub use beside::{Fee, LimitPrice, Orders};
pub use data::EventData;
pub use field::{
    AccountId, AggregateId, Amount, Asset, Instrument, InstrumentId, Limit, LotUnit, Millionths, Notional, Offset,
    OrderId, Postings, Price, PriceUnit, Quantity, Text, TradeId,
};
pub use json::Malformed;
use json::{Reader, Writer};
pub use terms::{LeftOut, OrderTerms, TermsAt, Yes};

/// Bytes that any event without postings and texts fits in, whatever its fields say.
const ROOM_OF_EVENT: usize = 8_192;
/// Bytes that any posting fits in.
const ROOM_OF_POSTING: usize = 256;
/// Bytes that an order of a list fits in.
const ROOM_OF_ORDER: usize = 48;

/// A part of a list that the batch holds: start and length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// First element.
    pub start: u32,
    /// Number of elements.
    pub length: u32,
}

impl Span {
    pub(crate) fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.start as usize + self.length as usize
    }
}

/// One change of an account: `[account_id, asset, "balance"|"hold", amount, after]`, in ledger units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Whose.
    pub account: AccountId,
    /// Of what.
    pub asset: Asset,
    /// Balance or hold.
    pub ledger: Ledger,
    /// The change.
    pub amount: i128,
    /// What it is then.
    pub after: i128,
}

/// That an order rests after an event: where, how much is displayed, and its place at the level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resting {
    /// Working price.
    pub price: Price,
    /// Displayed quantity.
    pub quantity: Quantity,
    /// Smaller is served first; changes only when priority is lost.
    pub priority: u64,
}

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident { $($key:literal $field:ident: $type:ty,)+ })+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            #[allow(missing_docs)]
            pub struct $name {
                $(pub $field: $type,)+
            }

            impl $name {
                /// Returns how much of the room is left.
                #[inline(never)]
                fn write(&self, mut writer: Writer<'_>) -> usize {
                    $(
                        if !field::Field::is_left_out(&self.$field) {
                            writer.key(concat!(",\"", $key, "\":"));
                            field::Field::write(&self.$field, &mut writer);
                        }
                    )+
                    writer.finish()
                }

                fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                    $(
                        let $field = match <$type as field::Field>::LEFT_OUT {
                            Some(left_out) if !reader.take_key(",", concat!("\"", $key, "\":")) => left_out,
                            Some(_) => <$type as field::Field>::read(reader).map_err(|e| e.in_field($key))?,
                            None => {
                                reader.key(concat!(",\"", $key, "\":"))?;
                                <$type as field::Field>::read(reader).map_err(|e| e.in_field($key))?
                            }
                        };
                    )+
                    Ok(Self { $($field,)+ })
                }
            }
        )+

        /// An event's data.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum Body {
            $($name($name),)+
        }

        impl Body {
            /// The names of all event types.
            pub const TYPES: &'static [&'static str] = &[$(stringify!($name),)+];

            /// The name of the event's type.
            pub const fn event_type(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)+
                }
            }

            fn write(&self, writer: Writer<'_>) -> usize {
                match self {
                    $(Self::$name(event) => event.write(writer),)+
                }
            }

            fn read(event_type: &str, reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                match event_type {
                    $(stringify!($name) => $name::read(reader).map(Self::$name),)+
                    _ => Err(Malformed::unknown_type()),
                }
            }
        }
    };
}

events! {
    /// An asset can be owned.
    AssetListed { "asset" asset: Text, "scale" scale: u8, "kind" kind: AssetKind, }
    /// An instrument can be traded.
    InstrumentListed {
        "instrument_id" instrument_id: InstrumentId, "symbol" symbol: Text, "base" base: Asset, "quote" quote: Asset,
        "price_unit" price_unit: PriceUnit, "lot_unit" lot_unit: LotUnit, "max_price" max_price: Price,
        "max_quantity" max_quantity: Quantity, "protection" protection: Millionths, "calendar" calendar: Text,
        "clearing_account_id" clearing_account_id: AccountId, "session" session: Session,
    }
    /// An account exists.
    AccountOpened { "account_id" account_id: AccountId, "user_id" user_id: Text, "kind" kind: AccountKind, }
    /// Money came in.
    CashDeposited { "account_id" account_id: AccountId, "asset" asset: Asset, "amount" amount: Amount, "postings" postings: Postings, }
    /// A security came in.
    AssetDeposited { "account_id" account_id: AccountId, "asset" asset: Asset, "amount" amount: Amount, "postings" postings: Postings, }
    /// Money went out.
    CashWithdrawn { "account_id" account_id: AccountId, "asset" asset: Asset, "amount" amount: Amount, "postings" postings: Postings, }
    /// A security went out.
    AssetWithdrawn { "account_id" account_id: AccountId, "asset" asset: Asset, "amount" amount: Amount, "postings" postings: Postings, }
    /// An account's limits are these now.
    LimitsChanged {
        "account_id" account_id: AccountId, "max_order_notional" max_order_notional: Option<Limit>,
        "max_order_quantity" max_order_quantity: Option<Limit>, "max_open_orders" max_open_orders: Option<u32>,
    }
    /// An account may, or may no longer, enter orders.
    AccountStateChanged { "account_id" account_id: AccountId, "state" state: AccountState, "reason" reason: Text, }
    /// An instrument opened or closed.
    SessionChanged { "instrument_id" instrument_id: InstrumentId, "symbol" symbol: Instrument, "session" session: Session, "reason" reason: Text, }
    /// An order was accepted.
    OrderCreated {
        "order_id" order_id: OrderId, "client_order_id" client_order_id: Option<Text>, "account_id" account_id: AccountId,
        "symbol" symbol: Instrument, "side" side: Side, "type" order_type: OrderType, "time_in_force" time_in_force: TimeInForce,
        "quantity" quantity: Quantity, "price" price: Option<Price>, "protection_price" protection_price: Option<Price>,
        "status" status: Status, "cum_quantity" cum_quantity: Quantity, "leaves_quantity" leaves_quantity: Quantity,
        "rests" rests: Option<Resting>, "postings" postings: Postings, "terms" terms: TermsAt,
    }
    /// An order was refused.
    OrderRejected {
        "order_id" order_id: OrderId, "client_order_id" client_order_id: Option<Text>, "account_id" account_id: AccountId,
        "symbol" symbol: Instrument, "side" side: Side, "type" order_type: OrderType, "time_in_force" time_in_force: TimeInForce,
        "quantity" quantity: Quantity, "price" price: Option<Price>, "status" status: Status, "reason" reason: Reason,
        "terms" terms: TermsAt,
    }
    /// An order's part in a trade.
    OrderExecuted {
        "order_id" order_id: OrderId, "trade_id" trade_id: TradeId, "account_id" account_id: AccountId,
        "symbol" symbol: Instrument, "side" side: Side, "price" price: Price, "quantity" quantity: Quantity,
        "liquidity" liquidity: Liquidity, "status" status: Status, "cum_quantity" cum_quantity: Quantity,
        "leaves_quantity" leaves_quantity: Quantity, "cum_notional" cum_notional: Notional,
        "rests" rests: Option<Resting>, "postings" postings: Postings, "fee" fee: Fee,
    }
    /// An order has a new quantity or price.
    OrderReplaced {
        "order_id" order_id: OrderId, "client_order_id" client_order_id: Option<Text>, "account_id" account_id: AccountId,
        "symbol" symbol: Instrument, "quantity" quantity: Quantity, "price" price: Price, "status" status: Status,
        "cum_quantity" cum_quantity: Quantity, "leaves_quantity" leaves_quantity: Quantity,
        "rests" rests: Option<Resting>, "postings" postings: Postings, "trigger_price" trigger_price: LeftOut<Price>,
        "limit_price" limit_price: LimitPrice,
    }
    /// An order that waited works: its trigger price was reached.
    OrderTriggered {
        "order_id" order_id: OrderId, "account_id" account_id: AccountId, "symbol" symbol: Instrument, "side" side: Side,
        "trigger_price" trigger_price: Price, "price" price: Price, "status" status: Status,
        "leaves_quantity" leaves_quantity: Quantity, "rests" rests: Option<Resting>,
    }
    /// Prices have reached more orders than one command triggers; those that had begun to wait before go on at once.
    TriggersDeferred {
        "instrument_id" instrument_id: InstrumentId, "symbol" symbol: Instrument, "reference" reference: Reference,
        "low" low: Price, "high" high: Price, "armed_before" armed_before: u64,
    }
    /// What was deferred goes on, all of it.
    TriggersResumed { "instrument_id" instrument_id: InstrumentId, "symbol" symbol: Instrument, }
    /// A group of pegs rests at another price now: one behind the other as they are listed, from this priority on.
    PegsMoved {
        "instrument_id" instrument_id: InstrumentId, "symbol" symbol: Instrument, "side" side: Side, "price" price: Price,
        "priority" priority: u64, "orders" orders: Orders,
    }
    /// An instrument has a mark price.
    MarkPriceChanged { "instrument_id" instrument_id: InstrumentId, "symbol" symbol: Instrument, "price" price: Price, }
    /// An order that stays open has another quantity or place, by the rules alone.
    OrderRestated {
        "order_id" order_id: OrderId, "account_id" account_id: AccountId, "symbol" symbol: Instrument, "side" side: Side,
        "reason" reason: Restated, "quantity" quantity: Quantity, "status" status: Status,
        "cum_quantity" cum_quantity: Quantity, "leaves_quantity" leaves_quantity: Quantity,
        "rests" rests: Option<Resting>, "postings" postings: Postings,
    }
    /// An order ended by a cancel, of the client or of the rules.
    OrderCanceled {
        "order_id" order_id: OrderId, "account_id" account_id: AccountId, "symbol" symbol: Instrument, "reason" reason: Reason,
        "status" status: Status, "cum_quantity" cum_quantity: Quantity, "leaves_quantity" leaves_quantity: Quantity,
        "canceled_quantity" canceled_quantity: Quantity, "postings" postings: Postings,
    }
    /// An order ended by its time in force.
    OrderExpired {
        "order_id" order_id: OrderId, "account_id" account_id: AccountId, "symbol" symbol: Instrument, "reason" reason: Reason,
        "status" status: Status, "cum_quantity" cum_quantity: Quantity, "leaves_quantity" leaves_quantity: Quantity,
        "canceled_quantity" canceled_quantity: Quantity, "postings" postings: Postings,
    }
    /// A cancel or a replace was refused.
    OrderCancelRejected { "order_id" order_id: Option<OrderId>, "account_id" account_id: AccountId, "request" request: Request, "reason" reason: Reason, }
    /// A command other than about orders was refused.
    CommandRefused { "command" command: CommandKind, "reason" reason: Reason, "aggregate_id" aggregate_id: AggregateId, }
    /// A mass cancel ended.
    OrdersCanceled {
        "account_id" account_id: AccountId, "symbol" symbol: Option<Instrument>, "count" count: u32,
        "reason" reason: LeftOut<Text>,
    }
    /// A mass cancel ended; what it chose by is there, what did not matter is left out.
    MassCanceled {
        "count" count: u32, "account_id" account_id: LeftOut<AccountId>, "symbol" symbol: LeftOut<Instrument>,
        "side" side: LeftOut<Side>, "lowest_price" lowest_price: LeftOut<Price>, "highest_price" highest_price: LeftOut<Price>,
    }
    /// A kill switch, of an account or of the venue, is on or off.
    KillSwitchChanged { "state" state: Switch, "reason" reason: Text, "account_id" account_id: LeftOut<AccountId>, }
    /// What an account chooses for all its orders is this now.
    AccountOptionsChanged {
        "account_id" account_id: AccountId, "trade_group" trade_group: Option<u32>,
        "cancel_on_disconnect" cancel_on_disconnect: LeftOut<Yes>,
    }
    /// An account's orders end at a time, or no longer.
    DeadMansTimerChanged { "account_id" account_id: AccountId, "due_ms" due_ms: Option<u64>, }
    /// How an instrument's orders meet is this now; what its allocation does not need is left out.
    InstrumentRulesChanged {
        "instrument_id" instrument_id: InstrumentId, "symbol" symbol: Instrument,
        "self_trade_prevention" self_trade_prevention: SelfTradePrevention, "allocation" allocation: AllocationRule,
        "least_allocation" least_allocation: LeftOut<Quantity>, "lead_account_id" lead_account_id: LeftOut<AccountId>,
        "lead_share" lead_share: LeftOut<Millionths>,
    }
    /// What a call would trade is this now; without a price, nothing.
    IndicativeChanged {
        "instrument_id" instrument_id: InstrumentId, "symbol" symbol: Instrument, "price" price: Option<Price>,
        "volume" volume: Quantity, "surplus" surplus: Quantity, "surplus_side" surplus_side: LeftOut<Side>,
    }
    /// A call's orders have traded, all at one price; the surplus found nobody.
    AuctionUncrossed {
        "instrument_id" instrument_id: InstrumentId, "symbol" symbol: Instrument, "price" price: Price,
        "volume" volume: Quantity, "surplus" surplus: Quantity, "surplus_side" surplus_side: LeftOut<Side>,
    }
    /// A change of session asks more than one command does; the rest goes on at once, its trades at the price.
    AuctionDeferred {
        "instrument_id" instrument_id: InstrumentId, "symbol" symbol: Instrument, "volume" volume: Quantity,
        "price" price: LeftOut<Price>,
    }
    /// What a change of session has left goes on.
    AuctionResumed { "instrument_id" instrument_id: InstrumentId, "symbol" symbol: Instrument, }
    /// What an instrument's fills cost is this now: fractions of a fill's notional. Orders hold the ceiling.
    FeesChanged {
        "instrument_id" instrument_id: InstrumentId, "symbol" symbol: Instrument, "maker_rate" maker_rate: Millionths,
        "taker_rate" taker_rate: Millionths, "ceiling" ceiling: Millionths,
    }
    /// Two orders traded.
    TradeExecuted {
        "trade_id" trade_id: TradeId, "symbol" symbol: Instrument, "price" price: Price, "quantity" quantity: Quantity,
        "aggressor_side" aggressor_side: Side, "maker_order_id" maker_order_id: OrderId, "taker_order_id" taker_order_id: OrderId,
        "maker_account_id" maker_account_id: AccountId, "taker_account_id" taker_account_id: AccountId,
        "maker_fee" maker_fee: Fee, "taker_fee" taker_fee: Fee,
    }
}

/// An event in its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Whose event it is.
    pub aggregate: Aggregate,
    /// Its number in that stream, from 1.
    pub version: u64,
    /// What happened.
    pub body: Body,
}

/// The account and the instrument that an event is about, for the envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Account id.
    pub account_id: Option<u64>,
    /// Instrument index in the catalog.
    pub instrument: Option<Instrument>,
}

impl Event {
    /// Whom the event is about.
    pub fn subject(&self) -> Subject {
        let (account, instrument) = match self.body {
            Body::AssetListed(_) => (None, None),
            Body::InstrumentListed(e) => (None, Some(Instrument::of_id(e.instrument_id))),
            Body::AccountOpened(e) => (Some(e.account_id), None),
            Body::CashDeposited(CashDeposited { account_id, .. })
            | Body::AssetDeposited(AssetDeposited { account_id, .. })
            | Body::CashWithdrawn(CashWithdrawn { account_id, .. })
            | Body::AssetWithdrawn(AssetWithdrawn { account_id, .. })
            | Body::LimitsChanged(LimitsChanged { account_id, .. })
            | Body::AccountStateChanged(AccountStateChanged { account_id, .. })
            | Body::AccountOptionsChanged(AccountOptionsChanged { account_id, .. })
            | Body::DeadMansTimerChanged(DeadMansTimerChanged { account_id, .. })
            | Body::OrderCancelRejected(OrderCancelRejected { account_id, .. }) => (Some(account_id), None),
            Body::SessionChanged(SessionChanged { symbol, .. })
            | Body::TriggersDeferred(TriggersDeferred { symbol, .. })
            | Body::TriggersResumed(TriggersResumed { symbol, .. })
            | Body::MarkPriceChanged(MarkPriceChanged { symbol, .. })
            | Body::PegsMoved(PegsMoved { symbol, .. })
            | Body::InstrumentRulesChanged(InstrumentRulesChanged { symbol, .. })
            | Body::IndicativeChanged(IndicativeChanged { symbol, .. })
            | Body::AuctionUncrossed(AuctionUncrossed { symbol, .. })
            | Body::AuctionDeferred(AuctionDeferred { symbol, .. })
            | Body::AuctionResumed(AuctionResumed { symbol, .. })
            | Body::FeesChanged(FeesChanged { symbol, .. })
            | Body::TradeExecuted(TradeExecuted { symbol, .. }) => (None, Some(symbol)),
            Body::OrderCreated(OrderCreated { account_id, symbol, .. })
            | Body::OrderRejected(OrderRejected { account_id, symbol, .. })
            | Body::OrderExecuted(OrderExecuted { account_id, symbol, .. })
            | Body::OrderReplaced(OrderReplaced { account_id, symbol, .. })
            | Body::OrderTriggered(OrderTriggered { account_id, symbol, .. })
            | Body::OrderRestated(OrderRestated { account_id, symbol, .. })
            | Body::OrderCanceled(OrderCanceled { account_id, symbol, .. })
            | Body::OrderExpired(OrderExpired { account_id, symbol, .. }) => (Some(account_id), Some(symbol)),
            Body::OrdersCanceled(e) => (Some(e.account_id), e.symbol),
            Body::MassCanceled(e) => (e.account_id.0, e.symbol.0),
            Body::KillSwitchChanged(e) => (e.account_id.0, None),
            Body::CommandRefused(e) => e.aggregate_id.subject(),
        };
        Subject { account_id: account.map(|id| id.0), instrument: instrument.filter(|i| *i != Instrument::UNKNOWN) }
    }
}

/// Events with the postings and texts that they refer to, in order.
#[derive(Clone, Debug, Default)]
pub struct Events {
    /// The events.
    pub list: Vec<Event>,
    /// All their postings.
    pub postings: Vec<Posting>,
    /// All their texts.
    pub texts: Vec<u8>,
    /// The terms of orders that are not plain.
    pub terms: Vec<OrderTerms>,
    /// The orders that events list.
    pub orders: Vec<OrderId>,
    /// What fills cost.
    pub fees: Vec<i128>,
}

impl Events {
    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.list.clear();
        self.postings.clear();
        self.texts.clear();
        self.terms.clear();
        self.orders.clear();
        self.fees.clear();
    }

    /// The postings of an event.
    pub fn postings_of(&self, postings: Postings) -> &[Posting] {
        &self.postings[postings.0.range()]
    }

    /// The text of an event's field.
    pub fn text_of(&self, text: Text) -> &str {
        std::str::from_utf8(&self.texts[text.0.range()]).unwrap_or_default()
    }

    /// The terms of an order; those of a plain one say nothing.
    pub fn terms_of(&self, terms: TermsAt) -> OrderTerms {
        terms.0.and_then(|at| self.terms.get(at as usize)).copied().unwrap_or_default()
    }

    /// The orders that an event lists.
    pub fn orders_of(&self, orders: Orders) -> &[OrderId] {
        &self.orders[orders.0.range()]
    }

    /// What a fill cost.
    pub fn fee_of(&self, fee: Fee) -> i128 {
        fee.0.checked_sub(1).and_then(|at| self.fees.get(at as usize)).copied().unwrap_or(0)
    }

    /// Appends the canonical JSON of an event's data.
    pub fn encode(&self, body: &Body, catalog: &Catalog, out: &mut Vec<u8>) {
        let mut data = EventData::after(std::mem::take(out));
        self.encode_into(body, catalog, &mut data);
        *out = data.into_bytes();
    }

    /// The same where many events follow each other.
    pub fn encode_into(&self, body: &Body, catalog: &Catalog, data: &mut EventData) {
        data.append(self.room(), |room| body.write(Writer::new(room, catalog, self)));
    }

    /// Bytes that each of the events fits in, whichever of the lists are its own.
    fn room(&self) -> usize {
        let lists = ROOM_OF_POSTING * self.postings.len() + ROOM_OF_ORDER * self.orders.len();
        ROOM_OF_EVENT + lists + 2 * self.texts.len()
    }

    /// Reads an event's data; its postings and texts are appended here.
    pub fn decode(&mut self, event_type: &str, data: &[u8], catalog: &Catalog) -> Result<Body, Malformed> {
        let mut reader = Reader::new(data, catalog, self);
        let body = Body::read(event_type, &mut reader)?;
        reader.finish()?;
        Ok(body)
    }

    pub(crate) fn add_text(&mut self, text: &str) -> Text {
        let start = u32::try_from(self.texts.len()).expect("texts of a batch are below 4 GiB");
        self.texts.extend_from_slice(text.as_bytes());
        Text(Span { start, length: u32::try_from(text.len()).expect("a text is short") })
    }

    /// Keeps the terms of an order, if it has any.
    pub(crate) fn add_terms(&mut self, terms: OrderTerms) -> TermsAt {
        if terms == OrderTerms::default() {
            return TermsAt::default();
        }
        self.terms.push(terms);
        TermsAt(Some(u32::try_from(self.terms.len() - 1).expect("terms of a batch are below 2^32")))
    }

    /// Keeps what a fill cost, if it cost anything.
    pub(crate) fn add_fee(&mut self, fee: i128) -> Fee {
        if fee == 0 {
            return Fee::default();
        }
        self.fees.push(fee);
        Fee(u32::try_from(self.fees.len()).expect("fees of a batch are below 2^32"))
    }

    pub(crate) fn orders_since(&self, start: usize) -> Orders {
        let length = u32::try_from(self.orders.len() - start).expect("orders of an event are bounded");
        Orders(Span { start: u32::try_from(start).expect("orders of a batch are below 2^32"), length })
    }

    pub(crate) fn postings_since(&self, start: usize) -> Postings {
        let length = self.postings.len() - start;
        Postings(Span {
            start: u32::try_from(start).expect("postings of a batch are below 2^32"),
            length: u32::try_from(length).expect("postings of an event are few"),
        })
    }
}
