//! The closed lists of words: each has a byte in commands and snapshots and a text in events.

use crate::page::Piece;

/// Room for the longest word between its quotes.
const WORD_BYTES: usize = 32;

/// Declares an enumeration with its byte and its text, both ways.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $byte:literal, $text:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name {
            $($(#[$variant_doc])* $variant = $byte,)+
        }

        impl $name {
            /// Every word, in the order of the bytes.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word of a byte.
            pub const fn from_byte(byte: u8) -> Option<Self> {
                match byte {
                    $($byte => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The text in events.
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }

            /// The text in events, between its quotes.
            pub(crate) const fn quoted(self) -> &'static Piece<WORD_BYTES> {
                match self {
                    $(Self::$variant => const { &Piece::quoted($text) },)+
                }
            }

            /// The word of a text.
            pub fn from_text(text: &[u8]) -> Option<Self> {
                Self::ALL.iter().copied().find(|word| word.text().as_bytes() == text)
            }
        }
    };
}

mod session;
pub use session::Session;

words! {
    /// Which side of the book an order is on.
    Side {
        /// Pays the quote asset for the base asset.
        Buy = 0, "BUY";
        /// Gives the base asset for the quote asset.
        Sell = 1, "SELL";
    }
}

impl Side {
    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

words! {
    /// What decides an order's price.
    OrderType {
        /// Trades at its price or better and may rest.
        Limit = 0, "LIMIT";
        /// Trades at once up to its protection price and never rests.
        Market = 1, "MARKET";
        /// Trades at the best opposite price of the moment; what is left rests there.
        MarketToLimit = 2, "MARKET_TO_LIMIT";
        /// Waits for a worse price, then it is a market order.
        Stop = 3, "STOP";
        /// Waits for a worse price, then it is a limit order.
        StopLimit = 4, "STOP_LIMIT";
        /// Waits for a better price, then it is a market order.
        MarketIfTouched = 5, "MARKET_IF_TOUCHED";
        /// Waits for a better price, then it is a limit order.
        LimitIfTouched = 6, "LIMIT_IF_TOUCHED";
        /// Follows the best price of its own side.
        PrimaryPeg = 9, "PRIMARY_PEG";
        /// Follows the best price of the other side.
        MarketPeg = 10, "MARKET_PEG";
        /// Follows the middle between both.
        MidpointPeg = 11, "MIDPOINT_PEG";
    }
}

impl OrderType {
    /// Whether it waits for a price before it works.
    pub const fn waits(self) -> bool {
        matches!(self, Self::Stop | Self::StopLimit | Self::MarketIfTouched | Self::LimitIfTouched)
    }

    /// Whether it has a limit price of its own; otherwise a protection bounds it, or the best price.
    pub const fn has_price(self) -> bool {
        matches!(self, Self::Limit | Self::StopLimit | Self::LimitIfTouched)
    }

    /// Whether its price follows the market.
    pub const fn is_pegged(self) -> bool {
        matches!(self, Self::PrimaryPeg | Self::MarketPeg | Self::MidpointPeg)
    }

    /// Whether it works as a market order, which never rests.
    pub const fn is_market(self) -> bool {
        matches!(self, Self::Market | Self::Stop | Self::MarketIfTouched)
    }
}

words! {
    /// Which price a waiting order looks at.
    TriggerBy {
        /// The prices of trades.
        Last = 1, "LAST";
        /// A buy looks at the best ask, a sell at the best bid.
        BidAsk = 2, "BID_ASK";
        /// The mark price.
        Mark = 3, "MARK";
    }
}

words! {
    /// A price that waiting orders look at.
    Reference {
        /// Of trades.
        Last = 0, "LAST";
        /// The best bid.
        Bid = 1, "BID";
        /// The best ask.
        Ask = 2, "ASK";
        /// The mark price.
        Mark = 3, "MARK";
    }
}

words! {
    /// How long an order works.
    TimeInForce {
        /// Good till canceled.
        Gtc = 0, "GTC";
        /// Until the instrument's session closes.
        Day = 1, "DAY";
        /// Immediate or cancel.
        Ioc = 2, "IOC";
        /// The whole at once, or nothing.
        Fok = 3, "FOK";
        /// Until a time of its own.
        Gtd = 4, "GTD";
    }
}

impl TimeInForce {
    /// Whether what does not trade at once is canceled.
    pub const fn is_immediate(self) -> bool {
        matches!(self, Self::Ioc | Self::Fok)
    }
}

words! {
    /// What becomes of a post-only order that would trade.
    PostOnly {
        /// It is refused.
        Reject = 1, "REJECT";
        /// It moves to the best price that does not meet the other side.
        Slide = 2, "SLIDE";
    }
}

words! {
    /// What happens where an order would trade with one of its own account or trade group.
    SelfTradePrevention {
        /// What is left of the incoming order is canceled.
        CancelNewest = 1, "CANCEL_NEWEST";
        /// The resting order is canceled, and the incoming one goes on.
        CancelOldest = 2, "CANCEL_OLDEST";
        /// Both are canceled.
        CancelBoth = 3, "CANCEL_BOTH";
        /// Both shrink by the smaller of them, which is canceled.
        DecrementAndCancel = 4, "DECREMENT_AND_CANCEL";
    }
}

words! {
    /// How an instrument shares what comes in among the orders of a price.
    AllocationRule {
        /// First come, first served.
        PriceTime = 0, "PRICE_TIME";
        /// In proportion to what is displayed.
        ProRata = 1, "PRO_RATA";
        /// A lead market maker's part first.
        LeadMarketMaker = 2, "LEAD_MARKET_MAKER";
    }
}

words! {
    /// Why an order that stays open has another quantity or place.
    Restated {
        /// An iceberg order displays its next part, at the end of the queue.
        Refreshed = 0, "refreshed";
        /// It would have traded with its own account or trade group, and shrank instead.
        SelfTrade = 1, "self_trade";
    }
}

words! {
    /// Where an order stands.
    Status {
        /// Accepted, nothing executed.
        Pending = 0, "PENDING";
        /// Something executed, something left.
        PartiallyExecuted = 1, "PARTIALLY_EXECUTED";
        /// Nothing left.
        Executed = 2, "EXECUTED";
        /// Ended by a cancel.
        Canceled = 3, "CANCELED";
        /// Ended by its time in force.
        Expired = 4, "EXPIRED";
        /// Never accepted.
        Rejected = 5, "REJECTED";
    }
}

words! {
    /// Whether a fill took liquidity or made it.
    Liquidity {
        /// The resting order.
        Maker = 0, "MAKER";
        /// The incoming order.
        Taker = 1, "TAKER";
    }
}

words! {
    /// What an asset is.
    AssetKind {
        /// Money.
        Currency = 0, "CURRENCY";
        /// Anything traded for money.
        Security = 1, "SECURITY";
    }
}

words! {
    /// Whose an account is.
    AccountKind {
        /// A client's.
        Customer = 0, "CUSTOMER";
        /// An instrument's, zero at the end of every command.
        Clearing = 1, "CLEARING";
        /// The counterpart of deposits and withdrawals; may be negative.
        External = 2, "EXTERNAL";
        /// The venue's own.
        House = 3, "HOUSE";
    }
}

words! {
    /// Whether an account may enter orders.
    AccountState {
        /// It may.
        Active = 0, "ACTIVE";
        /// It may only cancel.
        Suspended = 1, "SUSPENDED";
    }
}

words! {
    /// Whether a switch is on.
    Switch {
        /// It is not.
        Off = 0, "OFF";
        /// It is.
        On = 1, "ON";
    }
}

words! {
    /// Which side of an account a posting changes.
    Ledger {
        /// What the account owns.
        Balance = 0, "balance";
        /// What open orders keep of it.
        Hold = 1, "hold";
    }
}

words! {
    /// What a refused request wanted of an order.
    Request {
        /// To cancel it.
        Cancel = 0, "CANCEL";
        /// To replace it.
        Replace = 1, "REPLACE";
    }
}

words! {
    /// The commands, by the kind byte of their record.
    CommandKind {
        /// Opens the system accounts of a fresh log.
        OpenVenue = 1, "OpenVenue";
        /// Lists an asset.
        ListAsset = 2, "ListAsset";
        /// Lists an instrument.
        ListInstrument = 3, "ListInstrument";
        /// Opens an account.
        OpenAccount = 4, "OpenAccount";
        /// Brings cash or assets in.
        Deposit = 5, "Deposit";
        /// Takes cash or assets out.
        Withdraw = 6, "Withdraw";
        /// Changes an account's limits.
        ChangeLimits = 7, "ChangeLimits";
        /// Suspends or reactivates an account.
        ChangeAccountState = 8, "ChangeAccountState";
        /// Opens or closes an instrument's session.
        ChangeSession = 9, "ChangeSession";
        /// Enters an order.
        PlaceOrder = 10, "PlaceOrder";
        /// Cancels an order.
        CancelOrder = 11, "CancelOrder";
        /// Replaces an order's quantity or price.
        ReplaceOrder = 12, "ReplaceOrder";
        /// Cancels an account's orders.
        CancelAll = 13, "CancelAll";
        /// Does what is due.
        FireDue = 16, "FireDue";
        /// Sets an instrument's mark price.
        SetMarkPrice = 17, "SetMarkPrice";
        /// Cancels orders by account, instrument, side and price.
        MassCancel = 18, "MassCancel";
        /// Blocks entry and ends orders, of an account or of the venue.
        ChangeKillSwitch = 19, "ChangeKillSwitch";
        /// Ends an account's orders at a time, unless it is set anew before.
        SetDeadMansTimer = 20, "SetDeadMansTimer";
        /// A client's connection was lost.
        ReportDisconnect = 21, "ReportDisconnect";
        /// Changes what an account chooses for all its orders.
        ChangeAccountOptions = 22, "ChangeAccountOptions";
        /// Changes how an instrument's orders meet.
        ChangeInstrumentRules = 23, "ChangeInstrumentRules";
        /// Sets what an instrument's fills cost.
        ChangeFees = 25, "ChangeFees";
    }
}

words! {
    /// Why the core refused or ended something. The texts are stable: clients program against them.
    Reason {
        /// No such account, or a system account that may not do this.
        UnknownAccount = 1, "unknown_account";
        /// The account may only cancel.
        AccountSuspended = 2, "account_suspended";
        /// No such instrument.
        UnknownInstrument = 3, "unknown_instrument";
        /// The instrument's session is closed.
        MarketClosed = 4, "market_closed";
        /// The quantity is zero.
        InvalidQuantity = 5, "invalid_quantity";
        /// The price is zero.
        InvalidPrice = 6, "invalid_price";
        /// The quantity is over the instrument's largest.
        QuantityTooLarge = 7, "quantity_too_large";
        /// The price is over the instrument's highest.
        PriceTooLarge = 8, "price_too_large";
        /// The account's limit on an order's value.
        OrderNotionalLimit = 9, "order_notional_limit";
        /// The account's limit on an order's quantity.
        OrderQuantityLimit = 10, "order_quantity_limit";
        /// The account's limit on open orders.
        OpenOrdersLimit = 11, "open_orders_limit";
        /// The instrument has as many open orders as it may.
        InstrumentOrdersLimit = 12, "instrument_orders_limit";
        /// Nothing to trade with.
        NoLiquidity = 13, "no_liquidity";
        /// Not enough of a currency, or of the quote asset.
        InsufficientFunds = 14, "insufficient_funds";
        /// Not enough of the base asset.
        InsufficientPosition = 15, "insufficient_position";
        /// No such order of this account, or closed long ago.
        OrderNotFound = 16, "order_not_found";
        /// The order has ended.
        OrderClosed = 17, "order_closed";
        /// The new quantity does not exceed what has executed.
        QuantityBelowExecuted = 18, "quantity_below_executed";
        /// The symbol is taken, or the venue is open already.
        DuplicateListing = 19, "duplicate_listing";
        /// No such asset.
        UnknownAsset = 20, "unknown_asset";
        /// The system accounts have not been opened.
        VenueNotOpen = 21, "venue_not_open";
        /// The amount is zero.
        InvalidAmount = 22, "invalid_amount";
        /// The amount or the resulting balance is over the largest.
        AmountTooLarge = 23, "amount_too_large";
        /// The terms make price times quantity a fraction of a ledger unit.
        NotionalNotWhole = 24, "notional_not_whole";
        /// The terms of the listing are outside the documented limits.
        InvalidTerms = 25, "invalid_terms";
        /// As many accounts, assets or instruments as there may be.
        CapacityReached = 26, "capacity_reached";
        /// The client asked for it.
        Requested = 32, "requested";
        /// What an immediate order could not trade.
        ImmediateOrCancel = 33, "immediate_or_cancel";
        /// The rest of a market order beyond its protection price.
        ProtectionPrice = 34, "protection_price";
        /// It would have traded with its own account.
        SelfTrade = 35, "self_trade";
        /// As many trades as one command may make.
        TradesPerCommand = 36, "trades_per_command";
        /// The session of a day order closed.
        SessionEnd = 37, "session_end";
        /// A post-only order would trade.
        PostOnlyWouldTrade = 38, "post_only_would_trade";
        /// The minimum quantity exceeds the order's.
        InvalidMinimumQuantity = 39, "invalid_minimum_quantity";
        /// The budget buys not even one lot.
        BudgetTooSmall = 40, "budget_too_small";
        /// Less than the whole order can trade at once.
        FillOrKill = 41, "fill_or_kill";
        /// It would trade, but less than its minimum quantity.
        MinimumQuantity = 42, "minimum_quantity";
        /// It would trade, but not the whole.
        AllOrNone = 43, "all_or_none";
        /// The time at which it would expire is not to come.
        ExpireTimePassed = 44, "expire_time_passed";
        /// Its time has come.
        ExpireTime = 45, "expire_time";
        /// Nothing is due.
        NothingDue = 46, "nothing_due";
        /// The trigger price is zero, or of an order that does not wait.
        InvalidTriggerPrice = 47, "invalid_trigger_price";
        /// A kill switch is on.
        KillSwitch = 48, "kill_switch";
        /// An iceberg order would display as much as it has, or more.
        InvalidDisplayQuantity = 49, "invalid_display_quantity";
        /// The connection of its account was lost.
        Disconnect = 50, "disconnect";
        /// Its account's dead-man's timer was not set anew.
        DeadMansTimer = 51, "dead_mans_timer";
        /// What open orders hold for their fees would be wrong.
        OrdersOpen = 60, "orders_open";
        /// There is no price that a pegged order could follow, or at which the session trades.
        NoReference = 61, "no_reference";
        /// The market is halted.
        MarketHalted = 62, "market_halted";
        /// The instrument's session does not take such an order.
        NotInSession = 63, "not_in_session";
        /// An auction's trades are still being made.
        Uncrossing = 64, "uncrossing";
    }
}
