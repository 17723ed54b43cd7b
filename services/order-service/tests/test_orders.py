"""What a client of the order service sees: placing, finding, changing, listing, streaming."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import pytest

from kernel.eventlog.port import READ_EVENTS_MAX
from kernel.refused import Kind, Refused
from kernel.rpc import correlation_id
from trading.v1 import engine_pb2, market_data_pb2, trading_pb2, types_pb2

from .running import Venue, limit, venue


def run(scenario: Callable[[Venue], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with venue() as opened:
            await scenario(opened)

    asyncio.run(whole())


def status(order: types_pb2.Order) -> str:
    return types_pb2.OrderStatus.Name(order.status).removeprefix("ORDER_STATUS_")


async def found(opened: Venue, user: str, **named: object) -> types_pb2.Order:
    return (await opened.orders.FindOrder(trading_pb2.FindOrderRequest(user_id=user, **named))).order


def cancel(**named: str) -> trading_pb2.OrderRequest:
    return trading_pb2.OrderRequest(cancel=trading_pb2.CancelRequest(**named))


def test_an_order_is_found_by_id_and_by_client_order_id_right_after_its_answer():
    async def scenario(opened: Venue) -> None:
        for number in range(50):
            (placed,) = await opened.submit("alice", limit("BUY", "1", "20", f"c{number}"))
            by_id = await found(opened, "alice", order_id=placed.order.id)
            by_client_id = await found(opened, "alice", client_order_id=f"c{number}")
            assert by_id == by_client_id == placed.order

    run(scenario)


def test_an_account_can_be_traded_on_as_soon_as_it_is_open():
    async def scenario(opened: Venue) -> None:
        for number in range(20):
            account = await opened.execute(f"account {number}", open_account=engine_pb2.OpenAccount(user_id="alice"))
            cash = engine_pb2.Deposit(account_id=account.aggregate_id, asset="USD", amount="100")
            await opened.execute(f"cash {number}", deposit=cash)
            (placed,) = await opened.submit("alice", limit("BUY", "1", "20", account_id=account.aggregate_id))
            assert placed.order.account_id == account.aggregate_id

    run(scenario)


def test_both_sides_of_a_fill_see_it():
    async def scenario(opened: Venue) -> None:
        (sold,) = await opened.submit("bob", limit("SELL", "10", "20.5"))
        (bought,) = await opened.submit("alice", limit("BUY", "4", "21"))
        assert [(fill.quantity, fill.price, fill.resting_order_id) for fill in bought.fills] == [
            ("4", "20.5", sold.order.id)
        ]
        maker = await found(opened, "bob", order_id=sold.order.id, at_least=bought.position)
        assert (status(maker), maker.cum_quantity, maker.leaves_quantity) == ("PARTIALLY_EXECUTED", "4", "6")
        assert (maker.average_price, maker.cum_notional, maker.version) == ("20.5", "82", 2)

    run(scenario)


def test_nobody_sees_or_cancels_the_order_of_another():
    async def scenario(opened: Venue) -> None:
        (placed,) = await opened.submit("alice", limit("BUY", "1", "20"))
        with pytest.raises(Refused) as refusal:
            await found(opened, "bob", order_id=placed.order.id)
        assert refusal.value.code == "order_not_found"
        (result,) = await opened.submit("bob", cancel(order_id=placed.order.id))
        assert result.refused == "order_not_found"
        (result,) = await opened.submit("bob", cancel(order_id=placed.order.id, account_id=opened.accounts["alice"]))
        assert result.refused == "unknown_account"

    run(scenario)


def test_the_same_order_again_is_the_first_one_and_another_body_is_refused():
    async def scenario(opened: Venue) -> None:
        (first,) = await opened.submit("alice", limit("BUY", "1", "20.50", "c1"))
        (again,) = await opened.submit("alice", limit("BUY", "1", "20.5", "c1"))
        (other,) = await opened.submit("alice", limit("BUY", "2", "20.5", "c1"))
        assert again.order == first.order
        assert (first.first_time, again.first_time, other.refused) == (True, False, "command_id_reused")

    run(scenario)


def test_a_replace_keeps_the_order_and_adds_a_name():
    async def scenario(opened: Venue) -> None:
        (placed,) = await opened.submit("alice", limit("BUY", "5", "20", "old"))
        replace = trading_pb2.ReplaceRequest(client_order_id="old", quantity="3", new_client_order_id="new")
        (replaced,) = await opened.submit("alice", trading_pb2.OrderRequest(replace=replace))
        assert (replaced.refused, replaced.order.id, replaced.order.quantity) == ("", placed.order.id, "3")
        for name in ("old", "new"):
            assert (await found(opened, "alice", client_order_id=name)).id == placed.order.id
        (canceled,) = await opened.submit("alice", cancel(client_order_id="new"))
        assert status(canceled.order) == "CANCELED"

    run(scenario)


def test_a_replace_gives_an_order_its_first_name_and_no_other():
    async def scenario(opened: Venue) -> None:
        (placed,) = await opened.submit("alice", limit("BUY", "5", "20"))
        replace = trading_pb2.ReplaceRequest(order_id=placed.order.id, quantity="3", new_client_order_id="new")
        (replaced,) = await opened.submit("alice", trading_pb2.OrderRequest(replace=replace))
        assert (replaced.refused, replaced.order.client_order_id) == ("", "new")
        assert (await found(opened, "alice", client_order_id="new")).id == placed.order.id
        with pytest.raises(Refused) as refusal:
            await found(opened, "alice", client_order_id="None")
        assert refusal.value.code == "order_not_found"

    run(scenario)


def test_requests_of_one_message_have_results_of_their_own():
    async def scenario(opened: Venue) -> None:
        results = await opened.submit(
            "alice",
            limit("BUY", "1", "20", "a"),
            limit("BUY", "1", "20.001"),
            cancel(client_order_id="a"),
            cancel(),
            limit("BUY", "1000", "20"),
        )
        assert [result.refused for result in results] == [
            "",
            "price_off_tick",
            "",
            "order_not_named",
            "insufficient_funds",
        ]

    run(scenario)


def test_lists_are_newest_first_by_pages_and_by_state():
    async def scenario(opened: Venue) -> None:
        placed = [(await opened.submit("alice", limit("BUY", "1", "20")))[0].order.id for _ in range(5)]
        await opened.submit("alice", cancel(order_id=placed[2]))
        pages, cursor = [], ""
        while True:
            request = trading_pb2.ListOrdersRequest(user_id="alice", limit=2, cursor=cursor)
            page = await opened.orders.ListOrders(request)
            pages += [order.id for order in page.orders]
            cursor = page.next_cursor
            if not cursor:
                break
        assert pages == placed[::-1]
        closed = trading_pb2.ListOrdersRequest(user_id="alice", state=trading_pb2.ListOrdersRequest.STATE_CLOSED)
        assert [order.id for order in (await opened.orders.ListOrders(closed)).orders] == [placed[2]]

    run(scenario)


def test_cancel_all_ends_every_open_order_of_the_account_only():
    async def scenario(opened: Venue) -> None:
        for _ in range(3):
            await opened.submit("alice", limit("BUY", "1", "20"))
        (other,) = await opened.submit("bob", limit("BUY", "1", "19"))
        every = trading_pb2.OrderRequest(cancel_all=engine_pb2.CancelAllOrders())
        (result,) = await opened.submit("alice", every)
        assert result.canceled_orders == 3
        assert status(await found(opened, "bob", order_id=other.order.id)) == "PENDING"

    run(scenario)


def test_history_tells_every_event_of_the_order():
    async def scenario(opened: Venue) -> None:
        (sold,) = await opened.submit("bob", limit("SELL", "10", "20"))
        await opened.submit("alice", limit("BUY", "4", "20"))
        await opened.submit("bob", cancel(order_id=sold.order.id))
        asked = trading_pb2.GetOrderHistoryRequest(user_id="bob", order_id=sold.order.id)
        history = await opened.orders.GetOrderHistory(asked)
        assert [event.event_type for event in history.events] == ["OrderCreated", "OrderExecuted", "OrderCanceled"]
        assert [event.event_version for event in history.events] == [1, 2, 3]

    run(scenario)


def test_nobody_learns_from_a_history_or_a_stream_who_sent_another_command():
    def names(events: Iterable[trading_pb2.RecordedEvent]) -> list[tuple[str, str, bool]]:
        """Of each event its type, the correlation id that it tells, and whether it tells the command."""
        return [(event.event_type, event.correlation_id, bool(event.command_id)) for event in events]

    async def scenario(opened: Venue) -> None:
        stream = opened.orders.StreamOrders(trading_pb2.StreamOrdersRequest(user_id="bob"))
        await anext(stream)
        said = {"alice": "what alice calls it", "bob": "what bob calls it"}
        told = []
        for user, order in (("bob", limit("SELL", "10", "20")), ("alice", limit("BUY", "4", "20"))):
            request = trading_pb2.SubmitRequest(user_id=user, correlation_id=said[user], requests=[order])
            told.append((await opened.orders.Submit(request)).results[0])
        sold, bought = told
        expected = [("OrderCreated", said["bob"], True), ("OrderExecuted", "", False)]
        asked = trading_pb2.GetOrderHistoryRequest(user_id="bob", order_id=sold.order.id, at_least=bought.position)
        assert names((await opened.orders.GetOrderHistory(asked)).events) == expected
        seen: list[trading_pb2.RecordedEvent] = []
        while len(seen) < 2:
            seen += (await anext(stream)).events
        assert names(seen) == expected
        taker = trading_pb2.GetOrderHistoryRequest(user_id="alice", order_id=bought.order.id)
        assert names((await opened.orders.GetOrderHistory(taker)).events) == [
            ("OrderCreated", said["alice"], True),
            ("OrderExecuted", said["alice"], True),
        ]
        await stream.aclose()

    run(scenario)


def test_the_history_of_an_order_with_many_fills_is_whole():
    fills = READ_EVENTS_MAX + 2

    async def scenario(opened: Venue) -> None:
        shares = engine_pb2.Deposit(account_id=opened.accounts["bob"], asset="AAPL", amount=str(fills))
        await opened.execute("more shares", deposit=shares)
        (bid,) = await opened.submit("alice", limit("BUY", str(fills), "0.01"))
        for sent in range(0, fills, 1_000):
            await opened.submit("bob", *[limit("SELL", "1", "0.01")] * min(1_000, fills - sent))
        asked = trading_pb2.GetOrderHistoryRequest(user_id="alice", order_id=bid.order.id)
        told = await opened.orders.GetOrderHistory(asked)
        assert [event.event_version for event in told.events] == list(range(1, fills + 2))

    run(scenario)


def test_an_account_stream_is_a_snapshot_and_then_every_change_without_a_gap():
    async def scenario(opened: Venue) -> None:
        await opened.submit("bob", limit("SELL", "10", "20"))
        stream = opened.orders.StreamOrders(trading_pb2.StreamOrdersRequest(user_id="bob"))
        snapshot = await anext(stream)
        assert snapshot.snapshot and [order.leaves_quantity for order in snapshot.orders] == ["10"]
        seen = snapshot.seq
        for _ in range(3):
            await opened.submit("alice", limit("BUY", "1", "20"))
        left = "10"
        while left != "7":
            frame = await anext(stream)
            assert (frame.snapshot, frame.first_seq) == (False, seen + 1)
            seen, left = frame.seq, frame.orders[-1].leaves_quantity
        balances = {row.asset: (row.balance, row.hold) for row in frame.balances}
        assert balances["AAPL"] == ("97", "7")
        await stream.aclose()

    run(scenario)


def test_the_trading_service_creates_and_gets():
    async def scenario(opened: Venue) -> None:
        order = limit("BUY", "2", "20").place
        created = await opened.trading.CreateOrder(trading_pb2.CreateOrderRequest(user_id="alice", order=order))
        asked = trading_pb2.GetOrderRequest(user_id="alice", order_id=created.order.id, at_least=created.position)
        assert (await opened.trading.GetOrder(asked)).order == created.order
        with pytest.raises(Refused) as refusal:
            too_much = limit("BUY", "2000", "20").place
            await opened.trading.CreateOrder(trading_pb2.CreateOrderRequest(user_id="alice", order=too_much))
        rejected = await found(opened, "alice", order_id=refusal.value.order_id)
        assert (refusal.value.code, status(rejected)) == ("insufficient_funds", "REJECTED")
        with pytest.raises(Refused) as refusal:
            nowhere = limit("BUY", "1", "20").place
            nowhere.symbol = "NOPE"
            await opened.trading.CreateOrder(trading_pb2.CreateOrderRequest(user_id="alice", order=nowhere))
        assert (refusal.value.code, refusal.value.order_id) == ("unknown_instrument", "")

    run(scenario)


def test_the_trading_service_records_the_correlation_id_and_the_trace_of_its_call():
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    async def scenario(opened: Venue) -> None:
        correlation_id.set("what alice calls it")
        asked = trading_pb2.CreateOrderRequest(user_id="alice", order=limit("BUY", "1", "20").place)
        created = await opened.trading.CreateOrder(asked, metadata=[("traceparent", trace)])
        (event,) = await opened.log.read_stream(created.order.id)
        assert (event.correlation_id, event.traceparent) == ("what alice calls it", trace)

    run(scenario)


# The account of the request, of its order -> whether it is taken.
NAMED = [("", "", True), ("own", "", True), ("", "own", True), ("own", "own", True), ("own", "other", False)]


@pytest.mark.parametrize(("beside", "inside", "taken"), NAMED)
def test_the_two_accounts_of_a_new_order_may_not_differ(beside, inside, taken):
    async def scenario(opened: Venue) -> None:
        ids = {"": "", "own": opened.accounts["alice"], "other": opened.accounts["bob"]}
        order = limit("BUY", "1", "20", account_id=ids[inside]).place
        asked = trading_pb2.CreateOrderRequest(user_id="alice", account_id=ids[beside], order=order)
        if taken:
            assert (await opened.trading.CreateOrder(asked)).order.account_id == ids["own"]
            return
        with pytest.raises(Refused) as refusal:
            await opened.trading.CreateOrder(asked)
        assert refusal.value.code == "invalid_request"

    run(scenario)


@pytest.mark.parametrize(("depth", "taken"), [(0, False), (1, True), (100, True), (101, False)])
def test_the_depth_that_is_promised_is_the_one_that_is_served(depth, taken):
    async def scenario(opened: Venue) -> None:
        stream = aiter(
            opened.trading.StreamMarketData(trading_pb2.StreamMarketDataRequest(symbols=["AAPL"], depth=depth))
        )
        first = asyncio.ensure_future(anext(stream))
        if not taken:
            with pytest.raises(Refused) as refusal:
                await first
            assert refusal.value.code == "invalid_request"
            return
        while not first.done():  # the stream begins at some moment
            await opened.submit("alice", limit("BUY", "1", "10"))
        assert (await first).top.bids[0].price == "10"
        await stream.aclose()

    run(scenario)


@pytest.mark.parametrize(
    ("client_order_id", "taken"), [("a" * 64, True), ("A-z.0_9:", True), ("a" * 65, False), ("a b", False)]
)
def test_a_client_order_id_has_one_limit_and_one_pattern(client_order_id, taken):
    async def scenario(opened: Venue) -> None:
        try:
            (placed,) = await opened.submit("alice", limit("BUY", "1", "20", client_order_id))
            assert (placed.order.client_order_id, taken) == (client_order_id, True)
        except Refused as refused:
            assert (refused.code, taken) == ("invalid_request", False)

    run(scenario)


def test_market_data_of_several_symbols_comes_as_one_stream_from_now_on():
    async def scenario(opened: Venue) -> None:
        await opened.submit("alice", limit("BUY", "1", "10"))
        asked = trading_pb2.StreamMarketDataRequest(symbols=["AAPL", "MSFT", "AAPL"], depth=1)
        stream = aiter(opened.trading.StreamMarketData(asked))
        tops: list[market_data_pb2.TopOfBook] = []

        async def read() -> None:
            while {top.symbol for top in tops} != {"AAPL", "MSFT"}:
                tops.append((await anext(stream)).top)

        idle = asyncio.all_tasks()
        reading = asyncio.create_task(read())
        for price in range(11, 200):  # until the stream, which begins at some moment, has told of both
            for symbol in ("AAPL", "MSFT"):
                order = limit("BUY", "1", str(price))
                order.place.symbol = symbol
                await opened.submit("alice", order)
            if reading.done():
                break
        await asyncio.wait_for(reading, 5)
        assert "10" not in [top.bids[0].price for top in tops]
        positions = [top.position.position for top in tops if top.symbol == "AAPL"]
        assert positions == sorted(set(positions)), "a symbol that is named twice comes once"
        await stream.aclose()
        assert asyncio.all_tasks() == idle

    run(scenario)


def test_market_data_of_an_unknown_symbol_is_not_found():
    async def scenario(opened: Venue) -> None:
        asked = trading_pb2.StreamMarketDataRequest(symbols=["AAPL", "NOBODY"], depth=1)
        with pytest.raises(Refused) as refusal:
            async for _ in opened.trading.StreamMarketData(asked):
                pass
        assert (refusal.value.code, refusal.value.kind) == ("unknown_instrument", Kind.NOT_FOUND)

    run(scenario)


ELSEWHERE = types_pb2.LogPosition(log="elsewhere", position=1)
ORDER = "6f726472-0001-8000-8000-000000000001"


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("Submit", trading_pb2.SubmitRequest(user_id="alice", requests=[cancel(order_id=ORDER)], at_least=ELSEWHERE)),
        ("FindOrder", trading_pb2.FindOrderRequest(user_id="alice", order_id=ORDER, at_least=ELSEWHERE)),
        ("ListOrders", trading_pb2.ListOrdersRequest(user_id="alice", at_least=ELSEWHERE)),
        ("GetOrderHistory", trading_pb2.GetOrderHistoryRequest(user_id="alice", order_id=ORDER, at_least=ELSEWHERE)),
    ],
)
def test_a_position_of_another_log_is_refused(method, request_):
    async def scenario(opened: Venue) -> None:
        with pytest.raises(Refused) as refusal:
            await getattr(opened.orders, method)(request_)
        assert refusal.value.code == "unknown_log"

    run(scenario)
