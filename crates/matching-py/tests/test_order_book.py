"""The order book on its own: the same answers call by call, from bytes, from NumPy and from Arrow."""

import struct
from random import Random

import numpy
import pyarrow
import pytest

from matching import arrow
from matching.order_book import (
    COMMAND_FIELDS,
    REPORT_FIELDS,
    Kind,
    OrderBook,
    Report,
    ReportRow,
    SelfTrade,
    Side,
    TimeInForce,
    Told,
    Why,
    pack_cancel,
    pack_reduce,
    pack_replace,
    pack_show,
    pack_submit,
    unpack_reports,
)

TIMES = (TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK)


def random_calls(seed: int, count: int) -> list[tuple[Kind, tuple[int, ...]]]:
    random = Random(seed)
    calls = []
    for _ in range(count):
        order_id, price, quantity = random.randrange(300), random.randrange(95, 106), random.randrange(20)
        match random.randrange(9):
            case 0:
                calls.append((Kind.CANCEL, (order_id,)))
            case 1:
                calls.append((Kind.REDUCE, (order_id, quantity)))
            case 2:
                calls.append((Kind.REPLACE, (order_id, price, quantity)))
            case 3:
                calls.append((Kind.SHOW, (order_id, random.randrange(6), random.randrange(2))))
            case _:
                side, owner = random.choice(list(Side)), random.randrange(4)
                calls.append((Kind.SUBMIT, (order_id, side, price, quantity, owner, random.choice(TIMES))))
    return calls


PACK = {
    Kind.SUBMIT: pack_submit,
    Kind.CANCEL: pack_cancel,
    Kind.REDUCE: pack_reduce,
    Kind.REPLACE: pack_replace,
    Kind.SHOW: pack_show,
}


def one_by_one(book: OrderBook, calls: list[tuple[Kind, tuple[int, ...]]]) -> list[ReportRow]:
    method = {
        Kind.SUBMIT: book.submit,
        Kind.CANCEL: book.cancel,
        Kind.REDUCE: book.reduce,
        Kind.REPLACE: book.replace,
        Kind.SHOW: book.show,
    }
    return [row(number, report) for number, (kind, given) in enumerate(calls) for report in method[kind](*given)]


def row(command: int, report: Report) -> ReportRow:
    numbers = (report.order_id, report.taker_id, report.price, report.quantity)
    return ReportRow(Told(report.told), Why(report.why), command, *numbers)


@pytest.mark.parametrize(
    "terms",
    [
        {},
        {"self_trade": SelfTrade.DECREMENT_AND_CANCEL},
        {"pro_rata_minimum": 2},
        {"lead_owner": 2, "lead_share_ppm": 300_000},
    ],
)
def test_every_way_in_and_out_gives_the_same(terms):
    calls = random_calls(seed=23, count=5_000)
    commands = b"".join(PACK[kind](*given) for kind, given in calls)
    called, whole, arrays, batches = (OrderBook(**terms) for _ in range(4))
    expected = one_by_one(called, calls)
    assert {line.told for line in expected} == set(Told)

    reports = whole.apply(commands)
    assert list(unpack_reports(reports)) == expected

    structured = numpy.frombuffer(commands, numpy.dtype(COMMAND_FIELDS))
    told = numpy.frombuffer(arrays.apply(structured), numpy.dtype(REPORT_FIELDS))
    assert told.tobytes() == reports

    names = [name for name, _ in COMMAND_FIELDS if name != "unused"]
    columns = {name: numpy.ascontiguousarray(structured[name]) for name in names}
    batch = pyarrow.RecordBatch.from_pydict({name: pyarrow.array(column) for name, column in columns.items()})
    halves = [batch.slice(0, 2_500), batch.slice(2_500)]
    out = [arrow.reports(batches.apply(arrow.commands(half))) for half in halves]
    assert [value for half in out for value in half.column("order_id").to_pylist()] == told["order_id"].tolist()

    assert called.orders() == whole.orders() == arrays.orders() == batches.orders()
    copy = OrderBook(**terms)
    copy.apply(memoryview(whole.snapshot()))
    assert (copy.orders(), copy.book(100), len(copy)) == (whole.orders(), whole.book(100), len(whole))


def test_a_batch_with_a_malformed_command_changes_nothing():
    book = OrderBook()
    good = pack_submit(1, Side.BUY, 100, 1)
    with pytest.raises(ValueError, match="command 1: byte 0 is 9"):
        book.apply(good + b"\x09" + bytes(31))
    with pytest.raises(ValueError, match="31 bytes are not a whole number of 32-byte commands"):
        book.apply(good[:31])
    with pytest.raises(ValueError, match="at most 65536 commands, got 65537"):
        book.apply(good * 65_537)
    assert len(book) == 0


@pytest.mark.parametrize(
    ("sentence", "call", "error", "told"),
    [
        ("a side that is none", lambda book: book.submit(1, 2, 100, 1), ValueError, "expected a Side"),
        ("DAY is for venues", lambda book: book.submit(1, 0, 100, 1, 0, 1), ValueError, "GTC, IOC or FOK"),
        ("the last owner is nobody's", lambda book: book.submit(1, 0, 100, 1, 2**32 - 1), ValueError, "an owner"),
        ("a number below zero", lambda book: book.submit(1, 0, -1, 1), OverflowError, "negative"),
        (
            "a number that no field holds",
            lambda book: pack_submit(2**64, Side.BUY, 1, 1),
            struct.error,
            "argument out of range|int too large",
        ),
        ("a lead without a share", lambda book: OrderBook(lead_owner=1), ValueError, "lead_owner with lead_share_ppm"),
        (
            "a share above the whole",
            lambda book: OrderBook(lead_owner=1, lead_share_ppm=1_000_001),
            ValueError,
            "at most 1,000,000",
        ),
        (
            "two rules",
            lambda book: OrderBook(pro_rata_minimum=1, lead_owner=1, lead_share_ppm=1),
            ValueError,
            "neither",
        ),
        ("no such prevention", lambda book: OrderBook(self_trade=5), ValueError, "expected a SelfTrade"),
    ],
)
def test_what_cannot_be_meant_raises(sentence, call, error, told):
    with pytest.raises(error, match=told):
        call(OrderBook())


def test_where_an_order_is_and_what_is_ahead_of_it():
    book = OrderBook()
    for order_id in (1, 2, 3):
        book.submit(order_id, Side.BUY, 100, order_id)
    assert (book.place_in_queue(3), book.place_in_queue(4), 3 in book, 4 in book) == ((2, 3), None, True, False)
    assert book.submit(1, Side.BUY, 1, 1)[0].why == Why.DUPLICATE_ID
    book.clear()
    assert (len(book), book.orders()) == (0, ([], []))


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({}, "column kind: expected uint8 without nulls, got none"),
        ({"kind": pyarrow.array([1], pyarrow.int64())}, "got int64 with 0 nulls"),
        ({"kind": pyarrow.array([None], pyarrow.uint8())}, "got uint8 with 1 nulls"),
    ],
)
def test_a_record_batch_of_another_shape_is_refused(columns, told):
    batch = pyarrow.RecordBatch.from_pydict({"other": pyarrow.array([1])} | columns)
    with pytest.raises(ValueError, match=told):
        arrow.commands(batch)
