"""The binding: the same bytes live, replayed and restored."""

import json

import pytest

from matching import command, ids
from matching.command import (
    Allocation,
    AssetKind,
    OrderType,
    PostOnly,
    SelfTradePrevention,
    Session,
    Side,
    Switch,
    TextArena,
    TimeInForce,
    TriggerBy,
)
from matching.engine import Batch, Engine

MS = 1_000_000
START_NS = 1_700_000_000_000 * MS


def account(sequence: int) -> int:
    return ids.entity_id(1, sequence)


def venue() -> tuple[Engine, list[Batch]]:
    """A venue with GOOG for USD and two funded customers, accounts 4 and 5."""
    engine, texts = Engine(1), TextArena()
    records = [
        command.open_venue(START_NS),
        command.list_asset(texts, START_NS, "USD", 10, AssetKind.CURRENCY),
        command.list_asset(texts, START_NS, "GOOG", 4, AssetKind.SECURITY),
        command.list_instrument(
            texts,
            START_NS,
            symbol="GOOG",
            base=ids.entity_id(1, 1 + 1),
            quote=ids.entity_id(1, 1),
            price_unit=(1, 2),
            lot_unit=(1, 0),
            max_price=10_000_000,
            max_quantity=1_000_000,
            protection_ppm=50_000,
            calendar="America/New_York 09:30-16:00",
        ),
        command.open_account(texts, START_NS, "ada"),
        command.open_account(texts, START_NS, "ben"),
        *(
            command.deposit(START_NS, account(owner), ids.entity_id(1, asset), 10**15)
            for owner in (4, 5)
            for asset in (1, 2)
        ),
    ]
    return engine, [engine.execute(b"".join(records), bytes(texts))]


def order(texts: TextArena, owner: int, side: Side, quantity: int, price: int, **more: object) -> bytes:
    terms = {"order_type": OrderType.LIMIT, "time_in_force": TimeInForce.GTC} | more
    return command.place_order(
        texts,
        START_NS + MS,
        account_id=account(owner),
        instrument_id=ids.entity_id(1, 1),
        side=side,
        quantity=quantity,
        price=price,
        **terms,
    )


def rows(batches: list[Batch]) -> list[tuple[str, str, int, bytes]]:
    return [(row[1], row[5], row[4], row[6]) for batch in batches for row in batch.events]


def facts(log: list[tuple[str, str, int, bytes]]) -> tuple[bytes, bytes]:
    heads = [f"{event_type} {event_id} {version} {len(data)}" for event_type, event_id, version, data in log]
    return "\n".join(heads).encode(), b"".join(data for _, _, _, data in log)


def test_a_trade_is_told_by_both_orders_and_the_instrument():
    engine, _ = venue()
    texts = TextArena()
    batch = engine.execute(
        order(texts, 4, Side.SELL, 10, 58010, client_order_id='a "b"') + order(texts, 5, Side.BUY, 4, 58100),
        bytes(texts),
    )
    assert [(row[0], row[1], row[4]) for row in batch.events] == [
        (0, "OrderCreated", 1),
        (1, "OrderCreated", 1),
        (1, "OrderExecuted", 2),
        (1, "OrderExecuted", 2),
        (1, "TradeExecuted", 2),
    ]
    created, _, maker, taker, trade = [json.loads(row[6]) for row in batch.events]
    assert created["client_order_id"] == 'a "b"'
    assert created["rests"] == {"price": "580.1", "quantity": "10", "priority": 1}
    assert (maker["leaves_quantity"], maker["rests"]["quantity"]) == ("6", "6")
    assert (taker["status"], taker["price"], taker["cum_notional"]) == ("EXECUTED", "580.1", "2320.4")
    assert taker["postings"][-1][1:] == ["USD", "hold", "-2324", "0"]
    assert trade["aggressor_side"] == "BUY"
    assert engine.book(ids.entity_id(1, 1), 5) == ([], [(58010, 6, 1)])
    assert batch.events[2][7:] == (ids.render(ids.ACCOUNT, account(4)), ids.render(ids.INSTRUMENT, ids.entity_id(1, 1)))


def test_events_are_made_into_whatever_the_log_takes():
    engine, _ = venue()
    texts = TextArena()
    records = order(texts, 4, Side.SELL, 10, 58010) + order(texts, 5, Side.BUY, 4, 58100)
    batch = engine.execute(records, bytes(texts))
    users = ["ada", None]
    made = batch.make_events(lambda *fields: fields, users)
    assert [len(events) for events in made] == [1, 4]
    flat = [(number, *event) for number, events in enumerate(made) for event in events]
    for row, (number, *event) in zip(batch.events, flat, strict=True):
        command_number, event_type, aggregate_type, aggregate_id, version, event_id, data, account_id, instrument_id = (
            row
        )
        assert number == command_number
        assert event == [
            *(event_id, aggregate_id, aggregate_type, event_type, version, data),
            *(batch.stamps[number], account_id, instrument_id, users[number]),
        ]
    with pytest.raises(ValueError, match="each of 2 commands, got 1"):
        batch.make_events(lambda *fields: fields, users[:1])


def market(texts, sequence, side, quantity, **terms):
    terms = {"order_type": OrderType.MARKET, **terms}
    return order(texts, sequence, side, quantity, 0, **terms)


@pytest.mark.parametrize(
    ("sentence", "place", "told", "terms"),
    [
        ("slides", lambda texts: order(texts, 5, Side.BUY, 4, 58100, post_only=PostOnly.SLIDE),
         ["OrderCreated"], {"post_only": "SLIDE", "asked_price": "581"}),
        ("is refused", lambda texts: order(texts, 5, Side.BUY, 4, 58100, post_only=PostOnly.REJECT),
         ["OrderRejected"], {"post_only": "REJECT"}),
        ("trades whole or not", lambda texts: order(texts, 5, Side.BUY, 11, 58100, all_or_none=True),
         ["OrderCreated", "OrderCanceled"], {"all_or_none": True}),
        ("trades enough or not", lambda texts: order(texts, 5, Side.BUY, 12, 58100, minimum_quantity=11),
         ["OrderCreated", "OrderCanceled"], {"minimum_quantity": "11"}),
        ("spends", lambda texts: market(texts, 5, Side.BUY, 0, budget=2 * 58010 * 10**8),
         ["OrderCreated", "OrderExecuted", "OrderExecuted", "TradeExecuted"], {"budget": "1160.2"}),
        ("is plain", lambda texts: market(texts, 5, Side.BUY, 1, order_type=OrderType.MARKET_TO_LIMIT),
         ["OrderCreated", "OrderExecuted", "OrderExecuted", "TradeExecuted"], None),
    ],
)  # fmt: skip
def test_what_binds_an_order_on_entry_reaches_the_core(sentence, place, told, terms):
    engine, _ = venue()
    texts = TextArena()
    engine.execute(order(texts, 4, Side.SELL, 10, 58010), bytes(texts))
    texts = TextArena()
    record = place(texts)
    events = engine.execute(record, bytes(texts)).events
    assert [event[1] for event in events] == told, sentence
    assert json.loads(events[0][6]).get("terms") == terms, sentence


def test_an_order_that_waits_is_moved_and_triggered():
    engine, _ = venue()
    texts = TextArena()
    stop = {"order_type": OrderType.STOP_LIMIT, "trigger_by": TriggerBy.MARK, "trigger_price": 60000}
    place = order(texts, 5, Side.BUY, 1, 61000, **stop)
    move = command.replace_order(
        texts, START_NS, account_id=account(5), order_id=ids.entity_id(1, 1), trigger_price=59000
    )
    marked = command.set_mark_price(START_NS, ids.entity_id(1, 1), 59000)
    batch = engine.execute(place + move + marked, bytes(texts))
    assert [row[1] for row in batch.events] == ["OrderCreated", "OrderReplaced", "MarkPriceChanged", "OrderTriggered"]
    created, replaced, _, triggered = [json.loads(row[6]) for row in batch.events]
    assert created["terms"] == {"trigger_by": "MARK", "trigger_price": "600"}
    assert (replaced["trigger_price"], triggered["trigger_price"], triggered["price"]) == ("590", "590", "610")
    assert engine.book(ids.entity_id(1, 1), 5) == ([(61000, 1, 1)], [])


def test_parts_groups_and_rules_reach_the_core():
    engine, _ = venue()
    texts = TextArena()
    goog = ids.entity_id(1, 1)
    records = [
        order(texts, 4, Side.SELL, 5, 58000, display_quantity=2),
        order(texts, 4, Side.SELL, 5, 58000, hidden=True),
        order(texts, 5, Side.BUY, 2, 58000),
        command.change_account_options(START_NS, account(4), trade_group=3),
        command.change_account_options(START_NS, account(5), trade_group=3),
        order(texts, 5, Side.BUY, 1, 58000, self_trade_prevention=SelfTradePrevention.DECREMENT_AND_CANCEL),
        command.change_instrument_rules(
            START_NS, goog, allocation=Allocation.LEAD_MARKET_MAKER, lead_account_id=account(4), lead_share_ppm=250_000
        ),
    ]
    batch = engine.execute(b"".join(records), bytes(texts))
    told = [(row[1], json.loads(row[6])) for row in batch.events]
    restated = [event for name, event in told if name == "OrderRestated"]
    assert [(event["reason"], event["quantity"], event["rests"]["quantity"]) for event in restated] == [
        ("refreshed", "5", "2"),
        ("self_trade", "4", "2"),
    ]
    rules = told[-1][1]
    assert (rules["allocation"], rules["lead_share"]) == ("LEAD_MARKET_MAKER", "0.25")
    assert rules["lead_account_id"] == told[0][1]["account_id"]
    assert engine.book(goog, 5) == ([], [(58000, 2, 1)])


def test_pegs_follow_the_market():
    engine, _ = venue()
    texts = TextArena()
    records = [
        order(texts, 4, Side.SELL, 1, 58100),
        order(texts, 4, Side.BUY, 1, 58000),
        order(texts, 5, Side.BUY, 2, 58050, order_type=OrderType.PRIMARY_PEG, offset=-10),
        order(texts, 5, Side.SELL, 3, 0, order_type=OrderType.MIDPOINT_PEG),
        order(texts, 4, Side.BUY, 1, 58020),
    ]
    told = [(row[1], json.loads(row[6])) for row in engine.execute(b"".join(records), bytes(texts)).events]
    assert [name for name, _ in told] == ["OrderCreated"] * 5 + ["PegsMoved", "PegsMoved"]
    assert told[2][1]["terms"] == {"peg_offset": "-0.1", "limit_price": "580.5"}
    assert told[3][1]["terms"] == {"peg_offset": "0"}
    assert [(data["side"], data["price"]) for _, data in told[5:]] == [("SELL", "580.6"), ("BUY", "580.1")]
    assert told[5][1]["orders"] == [told[3][1]["order_id"]]
    assert engine.book(ids.entity_id(1, 1), 5) == (
        [(58020, 1, 1), (58010, 2, 1), (58000, 1, 1)],
        [(58060, 3, 1), (58100, 1, 1)],
    )


def test_fees_reach_the_core():
    engine, _ = venue()
    texts = TextArena()
    goog = ids.entity_id(1, 1)
    records = [
        command.change_fees(START_NS, goog, maker_ppm=100, taker_ppm=250, ceiling_ppm=1_000),
        order(texts, 4, Side.SELL, 2, 58000),
        order(texts, 5, Side.BUY, 2, 58000),
    ]
    told = [(row[1], json.loads(row[6])) for row in engine.execute(b"".join(records), bytes(texts)).events]
    assert told[0][1]["maker_rate"] == "0.0001" and told[0][1]["ceiling"] == "0.001"
    assert told[2][1]["postings"][0][3] == "1161.16", "a buy holds its worth and the ceiling of its fee"
    assert [data["fee"] for name, data in told if name == "OrderExecuted"] == ["0.116", "0.29"]
    assert (told[-1][1]["maker_fee"], told[-1][1]["taker_fee"]) == ("0.116", "0.29")


def test_orders_of_an_account_that_is_gone_end():
    engine, _ = venue()
    texts = TextArena()
    records = [
        command.change_account_options(START_NS, account(4), cancel_on_disconnect=Switch.ON),
        order(texts, 4, Side.BUY, 1, 58000),
        command.report_disconnect(texts, START_NS, account(4), "no heartbeat"),
        command.set_dead_mans_timer(START_NS, account(4), START_NS // 1_000_000 + 5),
        order(texts, 4, Side.BUY, 1, 58000),
        command.cancel_all(START_NS + 6_000_000, account(5)),
    ]
    told = [(row[1], json.loads(row[6])) for row in engine.execute(b"".join(records), bytes(texts)).events]
    assert [(name, data.get("reason")) for name, data in told] == [
        ("AccountOptionsChanged", None),
        ("OrderCreated", None),
        ("OrderCanceled", "disconnect"),
        ("OrdersCanceled", "no heartbeat"),
        ("DeadMansTimerChanged", None),
        ("OrderCreated", None),
        ("OrderCanceled", "dead_mans_timer"),
        ("DeadMansTimerChanged", None),
        ("OrdersCanceled", None),
    ]


def test_many_orders_end_at_once():
    engine, _ = venue()
    texts = TextArena()
    goog = ids.entity_id(1, 1)
    records = [
        order(texts, 4, Side.BUY, 1, 58000),
        order(texts, 4, Side.SELL, 1, 58010),
        order(texts, 5, Side.BUY, 1, 1),
    ]
    records.append(command.mass_cancel(START_NS, instrument_id=goog, side=Side.SELL, lowest_price=58010))
    records.append(command.change_kill_switch(texts, START_NS, Switch.ON, account(4), "runaway"))
    records.append(order(texts, 4, Side.BUY, 1, 58000))
    batch = engine.execute(b"".join(records), bytes(texts))
    assert [(row[0], row[1]) for row in batch.events[3:]] == [
        (3, "OrderCanceled"),
        (3, "MassCanceled"),
        (4, "KillSwitchChanged"),
        (4, "OrderCanceled"),
        (5, "OrderRejected"),
    ]
    chosen = {"count": 1, "symbol": "GOOG", "side": "SELL", "lowest_price": "580.1"}
    assert json.loads(batch.events[4][6]) == chosen
    assert json.loads(batch.events[-1][6])["reason"] == "kill_switch"
    assert engine.book(goog, 5) == ([(1, 1, 1)], [])


def test_what_is_due_is_done_before_the_next_command_and_when_nothing_comes():
    engine, _ = venue()
    soon = (START_NS // MS) + 5
    texts = TextArena()
    records = [order(texts, 4, Side.SELL, 1, 58010 + at, time_in_force=TimeInForce.GTD, expire_at_ms=soon + at)
               for at in range(2)]  # fmt: skip
    records.append(command.open_account(texts, START_NS + 5 * MS, "cy"))
    batch = engine.execute(b"".join(records), bytes(texts))
    assert (batch.given, batch.stamps[2]) == ([0, 1, None, 2], START_NS + 5 * MS)
    made = batch.make_events(lambda *fields: (fields[3], fields[-1]), ["ada", "ada", "admin"])
    assert made[2:] == [(("OrderExpired", None),), (("AccountOpened", "admin"),)]
    assert engine.next_due_ns == START_NS + 6 * MS
    assert engine.fire_due(START_NS + 6 * MS - 1).given == []
    late = engine.fire_due(START_NS + 9 * MS)
    assert ([row[1] for row in late.events], late.stamps) == (["OrderExpired"], [START_NS + 6 * MS])
    assert engine.next_due_ns is None


def test_replay_restore_and_live_agree():
    engine, batches = venue()
    texts = TextArena()
    records = [order(texts, 4 + n % 2, Side(n % 3 % 2), 1 + n % 7, 58000 + n * 7 % 30) for n in range(200)]
    batches.append(engine.execute(b"".join(records), bytes(texts)))
    replayed = Engine(1)
    replayed.evolve(rows(batches))
    restored = Engine.restore(engine.snapshot())
    assert engine.state_hash() == replayed.state_hash() == restored.state_hash()
    at_once = Engine(1)
    at_once.evolve_facts(*facts(rows(batches)))
    assert at_once.state_hash() == engine.state_hash()
    assert engine.snapshot() == replayed.snapshot() == restored.snapshot()
    texts = TextArena()
    close = command.change_session(texts, START_NS, ids.entity_id(1, 1), Session.CLOSED, "16:00")
    outcomes = [
        e.execute(close + command.cancel_all(0, account(4)), bytes(texts)) for e in (engine, replayed, restored)
    ]
    assert rows([outcomes[0]]) == rows([outcomes[1]]) == rows([outcomes[2]])
    assert outcomes[0].stamps == [START_NS + MS] * 2


@pytest.mark.parametrize(
    ("sentence", "records", "texts"),
    [
        ("half a record", bytes(64), b""),
        ("an unknown version", bytes(128), b""),
        ("an unknown kind", bytes([1, 99]) + bytes(126), b""),
        ("a text outside the arena", command.open_account(TextArena(), 0, "ada"), b""),
        ("a reserved byte", command.open_venue(0)[:127] + b"\x01", b""),
    ],
)
def test_malformed_batches_are_refused_whole(sentence, records, texts):
    engine, _ = venue()
    before = engine.state_hash()
    with pytest.raises(ValueError, match="record"):
        engine.execute(command.open_venue(0) + records, texts)
    assert engine.state_hash() == before, sentence


def test_an_event_that_does_not_fit_is_named():
    _, batches = venue()
    log = rows(batches)
    log[3] = (log[3][0], log[3][1], log[3][2] + 1, log[3][3])
    with pytest.raises(ValueError, match=log[3][1]):
        Engine(1).evolve(log)
    with pytest.raises(ValueError, match=log[3][1]):
        Engine(1).evolve_facts(*facts(log))


def test_ids_render_and_parse():
    assert ids.render(ids.ORDER, ids.entity_id(1, 7)) == "6f726472-0001-8000-8000-000000000007"
    assert ids.parse("6f726472-0001-8000-8000-000000000007") == (ids.ORDER, ids.entity_id(1, 7))


def test_a_file_of_events_leads_to_the_same_engine(tmp_path):
    engine, batches = venue()
    texts = TextArena()
    batches.append(engine.execute(order(texts, 4, Side.SELL, 5, 100) + order(texts, 5, Side.BUY, 3, 100), bytes(texts)))
    path = tmp_path / "events.txt"
    path.write_bytes(b"".join(batch.lines() for batch in batches))
    assert Engine.replay(path).state_hash() == engine.state_hash()

    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], lines[4]]))
    with pytest.raises(ValueError, match=r"events.txt, line 4: "):
        Engine.replay(path)
    path.write_bytes(b"OrderCreated and nothing else")
    with pytest.raises(ValueError, match="line 1: expected `event_type event_id event_version event_data`"):
        Engine.replay(path)
    with pytest.raises(OSError, match="nowhere"):
        Engine.replay(tmp_path / "nowhere")
