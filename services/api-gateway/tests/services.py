"""Small services behind the gateway, written by hand: they keep what they are told and answer from it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from kernel.event import Append, NewEvent
from kernel.eventlog.memory import MemoryLog
from kernel.ids import derived_id
from kernel.refused import Kind, Refused
from trading.v1 import engine_pb2, market_data_pb2, risk_pb2, trading_pb2, types_pb2, user_pb2
from trading.v1.engine_pb2_grpc import EngineServiceServicer
from trading.v1.market_data_pb2_grpc import MarketDataServiceServicer
from trading.v1.risk_pb2_grpc import RiskServiceServicer
from trading.v1.trading_pb2_grpc import OrderServiceServicer
from trading.v1.user_pb2_grpc import UserServiceServicer
from trading_events import engine as events

NOW_NS = 1_793_629_800_123_456_789
ACCOUNT = "61636374-0001-8000-8000-000000000003"
OTHER_ACCOUNT = "61636374-0001-8000-8000-000000000004"
ADA = "01936d2e-7c1a-7b3e-9a51-3f2c8d4e5a6b"
GRACE = "01936d2e-7c1a-7b3e-9a51-3f2c8d4e5a6c"
SYMBOL = "BTC-USD"


def at(position: int) -> types_pb2.LogPosition:
    return types_pb2.LogPosition(log="main", position=position)


class Orders(OrderServiceServicer):
    """Every order rests; `refuse` makes the next ones be rejected, `faults` be answered with an exception."""

    def __init__(self) -> None:
        self.orders: dict[str, types_pb2.Order] = {}
        self.by_client_id: dict[str, tuple[bytes, engine_pb2.CommandResult]] = {}
        self.submitted: list[trading_pb2.SubmitRequest] = []
        self.asked: list[Any] = []
        self.refuse = ""
        self.fault: Exception | None = None
        self.readers: list[asyncio.Queue[trading_pb2.StreamOrdersResponse]] = []
        self.streams_opened = 0

    async def Submit(self, request: trading_pb2.SubmitRequest, context: Any) -> trading_pb2.SubmitResponse:
        if self.fault is not None:
            raise self.fault
        self.submitted.append(request)
        return trading_pb2.SubmitResponse(results=[self._decide(request.user_id, each) for each in request.requests])

    def _decide(self, user_id: str, request: trading_pb2.OrderRequest) -> engine_pb2.CommandResult:
        match request.WhichOneof("body"):
            case "place":
                return self._place(user_id, request.place)
            case "cancel":
                return self._cancel(user_id, request.cancel.order_id)
            case "replace":
                return self._replace(user_id, request.replace)
            case _:
                return self._cancel_all(request.cancel_all)

    def _place(self, user_id: str, place: engine_pb2.PlaceOrder) -> engine_pb2.CommandResult:
        body = place.SerializeToString(deterministic=True)
        if place.client_order_id in self.by_client_id:
            known, result = self.by_client_id[place.client_order_id]
            if known != body:
                return engine_pb2.CommandResult(refused="command_id_reused", refused_kind="unprocessable")
            again = engine_pb2.CommandResult()
            again.CopyFrom(result)
            again.first_time = False
            return again
        number = len(self.orders) + 1
        order = types_pb2.Order(
            id=f"6f726472-0001-8000-8000-{number:012x}",
            client_order_id=place.client_order_id,
            account_id=place.account_id or ACCOUNT,
            user_id=user_id,
            symbol=place.symbol,
            side=place.side,
            type=place.type,
            time_in_force=place.time_in_force,
            status=types_pb2.ORDER_STATUS_REJECTED if self.refuse else types_pb2.ORDER_STATUS_PENDING,
            quantity=place.quantity,
            price=place.price,
            protection_price=place.protection_price,
            cum_quantity="0",
            leaves_quantity=place.quantity,
            reason=self.refuse,
            cum_notional="0",
            version=1,
            created_at_ns=NOW_NS,
            updated_at_ns=NOW_NS,
        )
        self.orders[order.id] = order
        result = engine_pb2.CommandResult(first_time=True, position=at(number), aggregate_id=order.id, order=order)
        if self.refuse:
            result.refused, result.refused_kind, result.message = self.refuse, "not_found", "The core says no."
        if place.client_order_id:
            self.by_client_id[place.client_order_id] = (body, result)
        return result

    def _own(self, user_id: str, order_id: str) -> types_pb2.Order | None:
        order = self.orders.get(order_id)
        return order if order is not None and order.user_id == user_id else None

    def _cancel(self, user_id: str, order_id: str) -> engine_pb2.CommandResult:
        order = self._own(user_id, order_id)
        if order is None:
            return engine_pb2.CommandResult(refused="order_not_found", refused_kind="not_found", message="None.")
        if order.status == types_pb2.ORDER_STATUS_CANCELED:
            return engine_pb2.CommandResult(refused="order_closed", refused_kind="conflict", message="Closed.")
        order.status = types_pb2.ORDER_STATUS_CANCELED
        return engine_pb2.CommandResult(first_time=True, position=at(90), aggregate_id=order.id)

    def _replace(self, user_id: str, replace: trading_pb2.ReplaceRequest) -> engine_pb2.CommandResult:
        order = self._own(user_id, replace.order_id)
        if order is None:
            return engine_pb2.CommandResult(refused="order_not_found", refused_kind="not_found", message="None.")
        order.quantity = replace.quantity or order.quantity
        order.price = replace.price or order.price
        return engine_pb2.CommandResult(first_time=True, position=at(91), aggregate_id=order.id)

    def _cancel_all(self, wanted: engine_pb2.CancelAllOrders) -> engine_pb2.CommandResult:
        canceled = 0
        for order in self.orders.values():
            if order.status == types_pb2.ORDER_STATUS_PENDING and wanted.symbol in ("", order.symbol):
                order.status = types_pb2.ORDER_STATUS_CANCELED
                canceled += 1
        return engine_pb2.CommandResult(
            first_time=True, position=at(92), aggregate_id=wanted.account_id or ACCOUNT, canceled_orders=canceled
        )

    async def FindOrder(self, request: trading_pb2.FindOrderRequest, context: Any) -> trading_pb2.FindOrderResponse:
        self.asked.append(request)
        order = self._own(request.user_id, request.order_id)
        if request.client_order_id:
            order = next((o for o in self.orders.values() if o.client_order_id == request.client_order_id), None)
        if order is None:
            raise Refused("order_not_found", "There is no such order of yours.", Kind.NOT_FOUND)
        return trading_pb2.FindOrderResponse(order=order, position=at(99))

    async def ListOrders(self, request: trading_pb2.ListOrdersRequest, context: Any) -> trading_pb2.ListOrdersResponse:
        self.asked.append(request)
        newest_first = [order for order in reversed(self.orders.values()) if order.user_id == request.user_id]
        return trading_pb2.ListOrdersResponse(
            orders=newest_first[: request.limit],
            next_cursor=newest_first[request.limit - 1].id if len(newest_first) > request.limit else "",
            position=at(99),
        )

    async def GetOrderHistory(self, request: Any, context: Any) -> trading_pb2.GetOrderHistoryResponse:
        raise AssertionError("the gateway reads the log")

    async def StreamOrders(
        self, request: trading_pb2.StreamOrdersRequest, context: Any
    ) -> AsyncIterator[trading_pb2.StreamOrdersResponse]:
        self.streams_opened += 1
        frames: asyncio.Queue[trading_pb2.StreamOrdersResponse] = asyncio.Queue()
        self.readers.append(frames)
        yield trading_pb2.StreamOrdersResponse(
            account_id=ACCOUNT,
            snapshot=True,
            first_seq=4,
            seq=4,
            position=at(40),
            time_ns=NOW_NS,
            balances=[trading_pb2.Balance(asset="USD", balance="100", hold="10", available="90")],
        )
        while True:
            yield await frames.get()

    async def GetViewPosition(self, request: Any, context: Any) -> trading_pb2.GetViewPositionResponse:
        if self.fault is not None:
            raise self.fault
        return trading_pb2.GetViewPositionResponse(position=at(99))


class Market(MarketDataServiceServicer):
    """One instrument; `push` sends a frame to every open channel."""

    def __init__(self) -> None:
        self.session = "CONTINUOUS"
        self.streams: list[tuple[market_data_pb2.StreamChannelRequest, asyncio.Queue[Any]]] = []
        self.closed_streams = 0

    def instrument(self) -> market_data_pb2.Instrument:
        return market_data_pb2.Instrument(
            id="696e7374-0001-8000-8000-000000000001",
            symbol=SYMBOL,
            base="BTC",
            quote="USD",
            price_unit="0.01",
            lot_unit="0.00000001",
            max_price="10000000",
            max_quantity="1000",
            protection="0.05",
            calendar="24x7",
            session=self.session,
            last_price="64250.1",
        )

    async def ListInstruments(self, request: Any, context: Any) -> market_data_pb2.ListInstrumentsResponse:
        return market_data_pb2.ListInstrumentsResponse(instruments=[self.instrument()], position=at(99))

    def _known(self, symbol: str) -> None:
        if symbol != SYMBOL:
            raise Refused("unknown_symbol", f"There is no instrument {symbol}.", Kind.NOT_FOUND)

    async def GetBook(self, request: market_data_pb2.GetBookRequest, context: Any) -> market_data_pb2.GetBookResponse:
        self._known(request.symbol)
        return market_data_pb2.GetBookResponse(
            symbol=request.symbol,
            seq=7,
            quotes_seq=5,
            position=at(99),
            time_ns=NOW_NS,
            bids=[market_data_pb2.Level(price="64250", quantity="0.5", orders=2)],
            asks=[],
            last_price="64250.1",
            last_quantity="0.1",
            last_time_ns=NOW_NS,
        )

    async def ListTrades(self, request: Any, context: Any) -> market_data_pb2.ListTradesResponse:
        self._known(request.symbol)
        return market_data_pb2.ListTradesResponse(trades=[self.trade()], position=at(99))

    def trade(self) -> market_data_pb2.Trade:
        return market_data_pb2.Trade(
            id="74726164-0001-8000-8000-000000000001",
            symbol=SYMBOL,
            price="64250.1",
            quantity="0.1",
            aggressor_side=types_pb2.SIDE_BUY,
            time_ns=NOW_NS,
            position=42,
            seq=3,
        )

    def bar(self) -> market_data_pb2.Bar:
        start_ns = NOW_NS // 60_000_000_000 * 60_000_000_000
        return market_data_pb2.Bar(
            start_ns=start_ns, open="1", high="2", low="0.5", close="1.5", volume="10", notional="12.5", trades=4
        )

    async def ListBars(self, request: Any, context: Any) -> market_data_pb2.ListBarsResponse:
        self._known(request.symbol)
        return market_data_pb2.ListBarsResponse(bars=[self.bar()], position=at(99))

    async def GetClock(self, request: Any, context: Any) -> market_data_pb2.GetClockResponse:
        sessions = [
            market_data_pb2.InstrumentClock(symbol=SYMBOL, calendar="24x7", session="CONTINUOUS"),
            market_data_pb2.InstrumentClock(
                symbol="AAPL", calendar="XNAS", session="CLOSED", next_open_ns=NOW_NS + 10**12, next_close_ns=NOW_NS
            ),
        ]
        return market_data_pb2.GetClockResponse(time_ns=NOW_NS, position=at(99), instruments=sessions)

    async def StreamChannel(
        self, request: market_data_pb2.StreamChannelRequest, context: Any
    ) -> AsyncIterator[market_data_pb2.StreamChannelResponse]:
        self._known(request.symbol)
        frames: asyncio.Queue[market_data_pb2.StreamChannelResponse] = asyncio.Queue()
        self.streams.append((request, frames))
        try:
            yield self.frame(
                request,
                10,
                snapshot=True,
                bids=[("100", "5"), ("99.5", "1")],
                asks=[("101", "2")],
                trades=[self.trade()],
                bars=[self.bar()],
            )
            while True:
                yield await frames.get()
        finally:
            self.closed_streams += 1

    def frame(
        self,
        request: market_data_pb2.StreamChannelRequest,
        seq: int,
        bids: Any = (),
        asks: Any = (),
        **rest: Any,
    ) -> market_data_pb2.StreamChannelResponse:
        return market_data_pb2.StreamChannelResponse(
            channel=request.channel,
            symbol=request.symbol,
            interval=request.interval,
            first_seq=seq,
            seq=seq,
            position=at(seq),
            time_ns=NOW_NS,
            bids=[market_data_pb2.Level(price=price, quantity=quantity) for price, quantity in bids],
            asks=[market_data_pb2.Level(price=price, quantity=quantity) for price, quantity in asks],
            **rest,
        )

    async def StreamTopOfBook(self, request: Any, context: Any) -> Any:
        raise AssertionError("the gateway does not use it")
        yield

    async def GetMarketDataPosition(self, request: Any, context: Any) -> market_data_pb2.GetMarketDataPositionResponse:
        return market_data_pb2.GetMarketDataPositionResponse(position=at(99))


class Risk(RiskServiceServicer):
    """Two accounts: Ada's and Grace's."""

    def __init__(self) -> None:
        self.accounts = {
            account_id: risk_pb2.Account(
                id=account_id,
                user_id=user_id,
                state="ACTIVE",
                kind="CUSTOMER",
                version=3,
                opened_at_ns=NOW_NS,
                balances=[trading_pb2.Balance(asset="USD", balance="100", hold="10", available="90")],
            )
            for account_id, user_id in ((ACCOUNT, ADA), (OTHER_ACCOUNT, GRACE))
        }

    def _own(self, account_id: str, user_id: str) -> risk_pb2.Account:
        account = self.accounts.get(account_id)
        if account is None or user_id not in ("", account.user_id):
            raise Refused("account_not_found", "There is no such account of yours.", Kind.NOT_FOUND)
        return account

    async def GetAccount(self, request: Any, context: Any) -> risk_pb2.GetAccountResponse:
        return risk_pb2.GetAccountResponse(account=self._own(request.account_id, request.user_id), position=at(99))

    async def ListAccounts(self, request: Any, context: Any) -> risk_pb2.ListAccountsResponse:
        found = [account for account in self.accounts.values() if account.user_id == request.user_id]
        return risk_pb2.ListAccountsResponse(accounts=found, position=at(99))

    async def ListPositions(self, request: Any, context: Any) -> risk_pb2.ListPositionsResponse:
        self._own(request.account_id, request.user_id)
        held = risk_pb2.Position(
            asset="BTC",
            symbol=SYMBOL,
            quantity="0.5",
            hold="0",
            last_price="64250.1",
            market_value="32125.05",
            average_cost="64000",
            realized_profit="0",
            unrealized_profit="125.05",
            currency="USD",
        )
        cash = risk_pb2.Position(asset="USD", quantity="100")
        return risk_pb2.ListPositionsResponse(positions=[held, cash], position=at(99))

    async def GetExposure(self, request: Any, context: Any) -> risk_pb2.GetExposureResponse:
        self._own(request.account_id, request.user_id)
        exposure = risk_pb2.InstrumentExposure(symbol=SYMBOL, currency="USD", quantity="0.5", open_buy_quantity="1")
        return risk_pb2.GetExposureResponse(open_orders=2, instruments=[exposure], position=at(99))

    async def SetLimitPolicy(self, request: Any, context: Any) -> risk_pb2.SetLimitPolicyResponse:
        self._own(request.account_id, "").limits.CopyFrom(request.limits)
        return risk_pb2.SetLimitPolicyResponse(position=at(100), accounts_changed=1)

    async def SetTradingState(self, request: Any, context: Any) -> risk_pb2.SetTradingStateResponse:
        self._own(request.account_id, "").state = ("", "ACTIVE", "SUSPENDED")[request.state]
        return risk_pb2.SetTradingStateResponse(position=at(100))

    async def ListLimitPolicies(self, request: Any, context: Any) -> risk_pb2.ListLimitPoliciesResponse:
        raise AssertionError("the gateway does not use it")

    async def GetRiskPosition(self, request: Any, context: Any) -> risk_pb2.GetRiskPositionResponse:
        return risk_pb2.GetRiskPositionResponse(position=at(99))


class Users(UserServiceServicer):
    """Ada and Grace, and API keys by `<id>.<secret>`."""

    def __init__(self) -> None:
        self.users = {
            user_id: user_pb2.User(
                id=user_id,
                email=email,
                name=name,
                roles=["USER", "TRADER"],
                permissions=["orders:write"],
                created_at_ns=NOW_NS,
                updated_at_ns=NOW_NS,
                version=2,
            )
            for user_id, email, name in (
                (ADA, "ada@example.com", "Ada Lovelace"),
                (GRACE, "grace@example.com", "Grace Hopper"),
            )
        }
        self.keys = {"tk_ada.secret": (ADA, ["USER", "TRADER"]), "tk_reader.secret": (ADA, ["USER"])}
        self.verified = 0
        self.registered: list[str] = []
        self.revocations: asyncio.Queue[user_pb2.StreamRevocationsResponse] = asyncio.Queue()

    def _user(self, user_id: str) -> user_pb2.User:
        if user_id not in self.users:
            raise Refused("user_not_found", "There is no such user.", Kind.NOT_FOUND)
        return self.users[user_id]

    async def Register(self, request: user_pb2.RegisterRequest, context: Any) -> user_pb2.RegisterResponse:
        self.registered.append(request.email)
        return user_pb2.RegisterResponse()

    async def CreateUser(self, request: user_pb2.CreateUserRequest, context: Any) -> user_pb2.CreateUserResponse:
        if any(user.email == request.email for user in self.users.values()):
            raise Refused("email_taken", "This address has an account.", Kind.CONFLICT)
        user = user_pb2.User(
            id="01936d2e-7c1a-7b3e-9a51-3f2c8d4e5a6d",
            email=request.email,
            name=request.name,
            roles=request.roles,
            created_at_ns=NOW_NS,
            updated_at_ns=NOW_NS,
            version=1,
        )
        return user_pb2.CreateUserResponse(user=user, position=at(99))

    async def GetUser(self, request: Any, context: Any) -> user_pb2.GetUserResponse:
        return user_pb2.GetUserResponse(user=self._user(request.user_id), position=at(99))

    async def ListUsers(self, request: Any, context: Any) -> user_pb2.ListUsersResponse:
        return user_pb2.ListUsersResponse(users=list(self.users.values()), position=at(99))

    async def UpdateProfile(self, request: Any, context: Any) -> user_pb2.UpdateProfileResponse:
        self._user(request.user_id).name = request.name
        return user_pb2.UpdateProfileResponse(user=self._user(request.user_id), position=at(99))

    async def SetRoles(self, request: Any, context: Any) -> user_pb2.SetRolesResponse:
        user = self._user(request.user_id)
        user.roles[:] = request.roles
        return user_pb2.SetRolesResponse(user=user, position=at(99))

    async def CreateApiKey(self, request: Any, context: Any) -> user_pb2.CreateApiKeyResponse:
        key = user_pb2.ApiKey(id="tk_new", name=request.name, roles=request.roles or ["USER"], created_at_ns=NOW_NS)
        return user_pb2.CreateApiKeyResponse(key=key, secret="s3cret", position=at(99))

    async def ListApiKeys(self, request: Any, context: Any) -> user_pb2.ListApiKeysResponse:
        key = user_pb2.ApiKey(id="tk_ada", name="laptop", roles=["USER"], created_at_ns=NOW_NS, revoked_at_ns=NOW_NS)
        return user_pb2.ListApiKeysResponse(keys=[key], position=at(99))

    async def RevokeApiKey(self, request: Any, context: Any) -> user_pb2.RevokeApiKeyResponse:
        self.keys.pop(f"{request.key_id}.secret", None)
        self.revocations.put_nowait(user_pb2.StreamRevocationsResponse(position=at(100), api_key_ids=[request.key_id]))
        return user_pb2.RevokeApiKeyResponse(position=at(100))

    async def VerifyApiKey(self, request: Any, context: Any) -> user_pb2.VerifyApiKeyResponse:
        self.verified += 1
        found = self.keys.get(f"{request.key_id}.{request.secret}")
        if found is None:
            raise Refused("key_revoked", "The API key is unknown, wrong or revoked.", Kind.UNAUTHENTICATED)
        return user_pb2.VerifyApiKeyResponse(user_id=found[0], roles=found[1])

    async def StreamRevocations(self, request: Any, context: Any) -> AsyncIterator[user_pb2.StreamRevocationsResponse]:
        while True:
            yield await self.revocations.get()


class Engine(EngineServiceServicer):
    """Books deposits on the log; takes every listing once."""

    def __init__(self, log: MemoryLog) -> None:
        self.log = log
        self.writer: Any = None
        self.listed: set[str] = set()
        self.commands: dict[str, bytes] = {}

    async def Execute(self, request: engine_pb2.ExecuteRequest, context: Any) -> engine_pb2.ExecuteResponse:
        command = request.command
        asked = engine_pb2.Command()
        asked.CopyFrom(command)
        asked.correlation_id = "any"
        body = asked.SerializeToString(deterministic=True)
        if self.commands.setdefault(command.command_id, body) != body:
            result = engine_pb2.CommandResult(refused="command_id_reused", refused_kind="unprocessable")
            return engine_pb2.ExecuteResponse(result=result)
        return engine_pb2.ExecuteResponse(result=await self._result(command))

    async def _result(self, command: engine_pb2.Command) -> engine_pb2.CommandResult:
        result = engine_pb2.CommandResult(command_id=command.command_id, first_time=True, position=at(100))
        match command.WhichOneof("body"):
            case "list_asset" if command.list_asset.asset in self.listed:
                result.refused, result.refused_kind, result.message = "duplicate_listing", "conflict", "Listed."
            case "list_asset":
                self.listed.add(command.list_asset.asset)
            case "list_instrument":
                result.aggregate_id = "696e7374-0001-8000-8000-000000000002"
            case "deposit":
                result.position.position = await self._book(command.command_id, command.deposit, events.CashDeposited)
            case "withdraw":
                result.position.position = await self._book(command.command_id, command.withdraw, events.CashWithdrawn)
            case _:
                pass
        return result

    async def _book(self, command_id: str, moved: Any, event_type: Any) -> int:
        booked = event_type(
            moved.account_id,
            moved.asset,
            moved.amount,
            [
                events.Posting("external", moved.asset, "balance", f"-{moved.amount}", f"-{moved.amount}"),
                events.Posting(moved.account_id, moved.asset, "balance", moved.amount, "350.5"),
            ],
        )
        data = msgspec.json.encode(booked)
        return await self.append(command_id, moved.account_id, "Account", event_type.__name__, data)

    async def append(self, command_id: str, aggregate_id: str, kind: str, event_type: str, data: bytes) -> int:
        self.writer = self.writer or await self.log.acquire("trading-engine", ["Account", "Order"])
        version = len(await self.log.read_stream(aggregate_id)) + 1
        event = NewEvent(derived_id(command_id), aggregate_id, kind, event_type, version, data, NOW_NS)
        (appended,) = await self.log.append([Append((event,), "test", command_id)], self.writer)
        return appended.last

    async def ExecuteBatch(self, request: Any, context: Any) -> engine_pb2.ExecuteBatchResponse:
        raise AssertionError("the gateway does not use it")

    async def GetEngineBook(self, request: Any, context: Any) -> engine_pb2.GetEngineBookResponse:
        raise Refused("unknown_instrument", "There is no instrument with this symbol.", Kind.NOT_FOUND)

    async def GetStateHash(self, request: Any, context: Any) -> engine_pb2.GetStateHashResponse:
        raise AssertionError("the gateway does not use it")
