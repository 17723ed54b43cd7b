"""Every word of an order, from the message to what the core makes of it, and what no order can be."""

import asyncio
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.refused import Refused
from matching.command import TextArena
from matching.engine import Engine
from trading.v1 import engine_pb2, types_pb2
from trading_engine.listing import Draft, Listing
from trading_engine.wire import encode
from trading_events.placing import contradiction

from .venue import ALICE, BOB, OPENING, command, sequencing

NOW_NS = 1_800_000_000_000_000_000
TYPES = [value for value in types_pb2.OrderType.values() if value]
TIMES = [value for value in types_pb2.TimeInForce.values() if value]
LATER_MS = NOW_NS // 1_000_000 + 1


def order(
    name: str, account: str, side: str, kind: str, quantity: str = "10", price: str = "", tif: str = "GTC", **terms
):
    """A command that places an order; terms: fields of OrderTerms."""
    place = engine_pb2.PlaceOrder(
        account_id=account,
        symbol="AAPL",
        side=types_pb2.Side.Value(f"SIDE_{side}"),
        type=types_pb2.OrderType.Value(f"ORDER_TYPE_{kind}"),
        time_in_force=types_pb2.TimeInForce.Value(f"TIME_IN_FORCE_{tif}"),
        quantity=quantity,
        price=price,
        client_order_id=name,
    )
    if terms:
        place.terms.CopyFrom(types_pb2.OrderTerms(**terms))
    return command(name, place_order=place)


def sell(name: str, quantity: str, price: str, **terms):
    return order(name, BOB, "SELL", "LIMIT", quantity, price, **terms)


def buy(name: str, kind: str = "LIMIT", quantity: str = "10", price: str = "", tif: str = "GTC", **terms):
    return order(name, ALICE, "BUY", kind, quantity, price, tif, **terms)


MARK = engine_pb2.SetMarkPrice(symbol="AAPL", price="30")
ON, OFF = engine_pb2.SWITCH_ON, engine_pb2.SWITCH_OFF

# Sentence, commands, what the last one's caller is told: a refusal, or status, executed quantity and reason.
OUTCOMES = [
    (
        "all or nothing of a thin book",
        [sell("a", "3", "20"), buy("b", quantity="5", price="20", tif="FOK")],
        "canceled 0 fill_or_kill",
    ),
    (
        "all or nothing of a deep book",
        [sell("a", "9", "20"), buy("b", quantity="5", price="20", tif="FOK")],
        "executed 5",
    ),
    (
        "at least four of three",
        [sell("a", "3", "20"), buy("b", quantity="5", price="20", minimum_quantity="4")],
        "canceled 0 minimum_quantity",
    ),
    (
        "at least three of three",
        [sell("a", "3", "20"), buy("b", quantity="5", price="20", minimum_quantity="3")],
        "partially_executed 3 at 20",
    ),
    (
        "the whole of five from three",
        [sell("a", "3", "20"), buy("b", quantity="5", price="20", all_or_none=True)],
        "canceled 0 all_or_none",
    ),
    (
        "a quote that would take is refused",
        [sell("a", "3", "20"), buy("b", price="20", post_only=types_pb2.POST_ONLY_REJECT)],
        "post_only_would_trade",
    ),
    (
        "a quote that would take slides",
        [sell("a", "3", "20"), buy("b", price="20", post_only=types_pb2.POST_ONLY_SLIDE)],
        "pending 0 at 19.99 asked 20",
    ),
    (
        "market to limit rests at what it took",
        [sell("a", "3", "20"), sell("c", "9", "21"), buy("b", "MARKET_TO_LIMIT")],
        "partially_executed 3 at 20",
    ),
    (
        "a budget buys whole lots",
        [sell("a", "3", "20"), buy("b", "MARKET", "", tif="IOC", budget="59.99")],
        "executed 2",
    ),
    (
        "a budget for less than a lot",
        [sell("a", "3", "20"), buy("b", "MARKET", "", tif="IOC", budget="19.99")],
        "budget_too_small",
    ),
    (
        "a budget finer than the currency",
        [buy("b", "MARKET", "", tif="IOC", budget="1.00000000001")],
        "amount_too_precise",
    ),
    ("a stop waits", [buy("b", "STOP", trigger_price="21")], "pending 0"),
    ("a stop off the tick", [buy("b", "STOP", trigger_price="21.001")], "price_off_tick"),
    (
        "a stop that the mark price has reached already",
        [
            command("m", set_mark_price=MARK),
            sell("a", "9", "20"),
            buy("b", "STOP", "5", trigger_price="21", trigger_by=types_pb2.TRIGGER_METHOD_MARK),
        ],
        "executed 5",
    ),
    (
        "a stop-limit that is triggered and rests",
        [
            command("m", set_mark_price=MARK),
            buy("b", "STOP_LIMIT", price="22", trigger_price="21", trigger_by=types_pb2.TRIGGER_METHOD_MARK),
        ],
        "pending 0 at 22 triggered",
    ),
    (
        "touched at the ask",
        [
            sell("a", "9", "20"),
            buy("b", "MARKET_IF_TOUCHED", "5", trigger_price="20", trigger_by=types_pb2.TRIGGER_METHOD_BID_ASK),
        ],
        "executed 5",
    ),
    ("a touched limit order waits", [buy("b", "LIMIT_IF_TOUCHED", price="18", trigger_price="19")], "pending 0 at 18"),
    ("a moment that has passed", [buy("b", price="20", tif="GTD", expire_at_ms=1)], "expire_time_passed"),
    ("a moment to come", [buy("b", price="20", tif="GTD", expire_at_ms=4_000_000_000_000)], "pending 0 at 20"),
    ("an iceberg that shows all of itself", [buy("b", price="20", display_quantity="10")], "invalid_display_quantity"),
    ("an iceberg", [buy("b", price="20", display_quantity="3")], "pending 0 at 20"),
    ("a hidden order", [buy("b", price="20", hidden=True)], "pending 0 at 20"),
    ("a minimum above the whole", [buy("b", price="20", minimum_quantity="11")], "invalid_minimum_quantity"),
    (
        "an own order ends and the new one goes on",
        [
            buy("a", price="20"),
            order("s", ALICE, "BUY", "LIMIT", "1", "19"),
            order("x", BOB, "SELL", "LIMIT", "5", "25"),
            order(
                "b", BOB, "BUY", "LIMIT", "5", "25", self_trade_prevention=types_pb2.SELF_TRADE_PREVENTION_CANCEL_OLDEST
            ),
        ],
        "pending 0 at 25",
    ),
    (
        "an own order ends the new one by default",
        [order("x", BOB, "SELL", "LIMIT", "5", "25"), order("b", BOB, "BUY", "LIMIT", "5", "25")],
        "canceled 0 self_trade",
    ),
    (
        "what waits may wait for another price",
        [
            buy("b", "STOP", trigger_price="21"),
            command(
                "r",
                replace_order=engine_pb2.ReplaceOrder(
                    account_id=ALICE, placed_by_command_id=buy("b").command_id, trigger_price="22"
                ),
            ),
        ],
        "pending 0 triggers at 22",
    ),
    (
        "what works waits for nothing",
        [
            buy("b", price="20"),
            command(
                "r",
                replace_order=engine_pb2.ReplaceOrder(
                    account_id=ALICE, placed_by_command_id=buy("b").command_id, trigger_price="22"
                ),
            ),
        ],
        "invalid_trigger_price",
    ),
    (
        "a mass cancel takes what it chooses",
        [
            buy("a", price="20"),
            buy("b", price="19"),
            buy("c", price="18"),
            command(
                "m",
                mass_cancel=engine_pb2.MassCancel(
                    account_id=ALICE, symbol="AAPL", side=types_pb2.SIDE_BUY, lowest_price="19", highest_price="20"
                ),
            ),
        ],
        "2 canceled",
    ),
    (
        "a mass cancel of the venue",
        [buy("a", price="20"), sell("b", "5", "30"), command("m", mass_cancel=engine_pb2.MassCancel())],
        "2 canceled",
    ),
    (
        "a range of prices of no instrument",
        [command("m", mass_cancel=engine_pb2.MassCancel(lowest_price="1"))],
        "contradicting_terms",
    ),
    (
        "a kill switch keeps orders out",
        [command("k", change_kill_switch=engine_pb2.ChangeKillSwitch(state=ON, reason="x")), buy("a", price="20")],
        "kill_switch",
    ),
    (
        "a kill switch of another",
        [command("k", change_kill_switch=engine_pb2.ChangeKillSwitch(account_id=BOB, state=ON)), buy("a", price="20")],
        "pending 0 at 20",
    ),
    (
        "a kill switch that is off again",
        [
            command("k", change_kill_switch=engine_pb2.ChangeKillSwitch(account_id=ALICE, state=ON)),
            command("l", change_kill_switch=engine_pb2.ChangeKillSwitch(account_id=ALICE, state=OFF)),
            buy("a", price="20"),
        ],
        "pending 0 at 20",
    ),
    (
        "a timer that has run out",
        [command("t", set_dead_mans_timer=engine_pb2.SetDeadMansTimer(account_id=ALICE, due_ms=1))],
        "expire_time_passed",
    ),
    (
        "a lost connection of who did not ask",
        [buy("a", price="20"), command("d", report_disconnect=engine_pb2.ReportDisconnect(account_id=ALICE))],
        "0 canceled",
    ),
    (
        "a lost connection of who asked for it",
        [
            command(
                "o", change_account_options=engine_pb2.ChangeAccountOptions(account_id=ALICE, cancel_on_disconnect=ON)
            ),
            buy("a", price="20"),
            command("d", report_disconnect=engine_pb2.ReportDisconnect(account_id=ALICE)),
        ],
        "1 canceled",
    ),
    (
        "accounts of one group do not trade with each other",
        [
            command("g", change_account_options=engine_pb2.ChangeAccountOptions(account_id=ALICE, trade_group=7)),
            command("h", change_account_options=engine_pb2.ChangeAccountOptions(account_id=BOB, trade_group=7)),
            sell("a", "5", "20"),
            buy("b", quantity="5", price="20"),
        ],
        "canceled 0 self_trade",
    ),
    (
        "pro rata with a least share",
        [
            command(
                "r",
                change_instrument_rules=engine_pb2.ChangeInstrumentRules(
                    symbol="AAPL", allocation=engine_pb2.ALLOCATION_PRO_RATA, least_allocation="2"
                ),
            )
        ],
        "done",
    ),
    (
        "a lead without a share",
        [
            command(
                "r",
                change_instrument_rules=engine_pb2.ChangeInstrumentRules(
                    symbol="AAPL", allocation=engine_pb2.ALLOCATION_LEAD_MARKET_MAKER, lead_account_id=BOB
                ),
            )
        ],
        "contradicting_terms",
    ),
    (
        "a least share of price and time",
        [
            command(
                "r",
                change_instrument_rules=engine_pb2.ChangeInstrumentRules(
                    symbol="AAPL", allocation=engine_pb2.ALLOCATION_PRICE_TIME, least_allocation="2"
                ),
            )
        ],
        "contradicting_terms",
    ),
    (
        "a lead of nobody",
        [
            command(
                "r",
                change_instrument_rules=engine_pb2.ChangeInstrumentRules(
                    symbol="AAPL",
                    allocation=engine_pb2.ALLOCATION_LEAD_MARKET_MAKER,
                    lead_account_id=ALICE[:-1] + "9",
                    lead_share="0.4",
                ),
            )
        ],
        "unknown_account",
    ),
]


def told(result: engine_pb2.CommandResult, body: str) -> str:
    """What the caller learns, in short."""
    if result.refused:
        return result.refused
    if body in ("mass_cancel", "report_disconnect"):
        return f"{result.canceled_orders} canceled"
    if not result.order.id:
        return "done"
    made = result.order
    words = [types_pb2.OrderStatus.Name(made.status).removeprefix("ORDER_STATUS_").lower(), made.cum_quantity]
    if made.reason:
        return " ".join([*words, made.reason])
    if body == "replace_order":
        return " ".join([*words, "triggers at", made.terms.trigger_price])
    if made.leaves_quantity != "0" and made.price:
        words += ["at", made.price]
    if made.asked_price:
        words += ["asked", made.asked_price]
    return " ".join([*words, "triggered"] if made.triggered_at_ns and made.leaves_quantity != "0" else words)


@pytest.mark.parametrize(("commands", "outcome"), [row[1:] for row in OUTCOMES], ids=[row[0] for row in OUTCOMES])
def test_a_word_does_what_it_says(commands, outcome):
    async def scenario() -> None:
        async with sequencing() as sequencer:
            results = await sequencer.execute([*OPENING, *commands])
            assert told(results[-1], commands[-1].WhichOneof("body")) == outcome

    asyncio.run(scenario())


def test_the_answer_has_the_terms_that_were_asked():
    terms = {
        "trigger_price": "21",
        "trigger_by": types_pb2.TRIGGER_METHOD_BID_ASK,
        "minimum_quantity": "3",
        "display_quantity": "4",
        "self_trade_prevention": types_pb2.SELF_TRADE_PREVENTION_CANCEL_BOTH,
        "expire_at_ms": 4_000_000_000_000,
    }

    async def scenario() -> None:
        async with sequencing() as sequencer:
            (*_, result) = await sequencer.execute([*OPENING, buy("b", "STOP_LIMIT", price="22", tif="GTD", **terms)])
            assert result.order.terms == types_pb2.OrderTerms(**terms)
            (plain,) = await sequencer.execute([buy("p", price="2")])
            assert not plain.order.HasField("terms")

    asyncio.run(scenario())


def listed() -> tuple[Engine, Listing]:
    engine = Engine(1)
    for each in [command("open", open_venue=engine_pb2.OpenVenue()), *OPENING]:
        draft = Draft()
        encode(each, Listing(engine), "", NOW_NS, draft)
        engine.execute(b"".join(draft.records), bytes(draft.texts))
    return engine, Listing(engine)


NUMBERS = st.sampled_from(["", "1", "3", "20", "20.001", "0.5", "99999999999999999999"])
TERMS = st.builds(
    types_pb2.OrderTerms,
    post_only=st.sampled_from([0, 0, *types_pb2.PostOnly.values()]),
    minimum_quantity=NUMBERS,
    all_or_none=st.booleans(),
    budget=NUMBERS,
    expire_at_ms=st.sampled_from([0, 1, LATER_MS, 9_223_372_036_854]),
    trigger_by=st.sampled_from([0, 0, *types_pb2.TriggerMethod.values()]),
    trigger_price=NUMBERS,
    display_quantity=NUMBERS,
    hidden=st.booleans(),
    self_trade_prevention=st.sampled_from(types_pb2.SelfTradePrevention.values()),
)
ORDERS = st.builds(
    engine_pb2.PlaceOrder,
    account_id=st.sampled_from([ALICE, BOB]),
    symbol=st.just("AAPL"),
    side=st.sampled_from([types_pb2.SIDE_BUY, types_pb2.SIDE_SELL]),
    type=st.sampled_from(TYPES),
    time_in_force=st.sampled_from(TIMES),
    quantity=NUMBERS,
    price=NUMBERS,
    protection_price=NUMBERS,
    terms=st.none() | TERMS,
)


@given(places=st.lists(ORDERS, min_size=1, max_size=20))
@settings(max_examples=200, deadline=None)
def test_whatever_is_asked_is_refused_by_name_or_is_a_record_that_the_core_reads(places):
    engine, listing = listed()
    draft = Draft()
    for place in places:
        try:
            encode(engine_pb2.Command(place_order=place), listing, "", NOW_NS, draft)
        except Refused as refused:
            assert refused.code
    engine.execute(b"".join(draft.records), bytes(draft.texts or TextArena()))


def test_a_plain_order_contradicts_itself_in_nothing_and_everything_else_is_looked_at():
    for kind, tif, price, protection in product(TYPES, TIMES, ("", "1"), ("", "1")):
        bare = engine_pb2.PlaceOrder(
            type=kind, time_in_force=tif, quantity="1", price=price, protection_price=protection
        )
        with_terms = engine_pb2.PlaceOrder()
        with_terms.CopyFrom(bare)
        with_terms.terms.SetInParent()
        assert contradiction(bare) == contradiction(with_terms)
