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
from trading.v1.user_pb2_grpc import UserServiceServicer
from trading_events import engine as events

NOW_NS = 1_793_629_800_123_456_789
ACCOUNT = "61636374-0001-8000-8000-000000000003"
OTHER_ACCOUNT = "61636374-0001-8000-8000-000000000004"
CLEARING_ACCOUNT = "61636374-0001-8000-8000-000000000005"
ADA = "01936d2e-7c1a-7b3e-9a51-3f2c8d4e5a6b"
GRACE = "01936d2e-7c1a-7b3e-9a51-3f2c8d4e5a6c"
SYMBOL = "BTC-USD"


def at(position: int) -> types_pb2.LogPosition:
    return types_pb2.LogPosition(log="main", position=position)


class Market(MarketDataServiceServicer):
    """One instrument; `push` sends a frame to every open channel."""

    def __init__(self) -> None:
        self.session = "CONTINUOUS"
        self.listed: list[engine_pb2.ListInstrument] = []
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
        added = [self.added(number, listing) for number, listing in enumerate(self.listed, 2)]
        return market_data_pb2.ListInstrumentsResponse(instruments=[self.instrument(), *added], position=at(99))

    def added(self, number: int, listing: engine_pb2.ListInstrument) -> market_data_pb2.Instrument:
        return market_data_pb2.Instrument(
            id=f"696e7374-0001-8000-8000-{number:012x}",
            symbol=listing.symbol,
            base=listing.base,
            quote=listing.quote,
            price_unit=listing.price_unit,
            lot_unit=listing.lot_unit,
            max_price=listing.max_price,
            max_quantity=listing.max_quantity,
            protection=listing.protection,
            calendar=listing.calendar,
            session="CLOSED",
        )

    def _known(self, symbol: str) -> None:
        if symbol != SYMBOL:
            raise Refused("unknown_instrument", f"There is no instrument {symbol}.", Kind.NOT_FOUND)

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

    async def GetQueuePosition(self, request: Any, context: Any) -> market_data_pb2.GetQueuePositionResponse:
        return market_data_pb2.GetQueuePositionResponse(position=at(99))

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

    async def GetMarketDataPosition(self, request: Any, context: Any) -> market_data_pb2.GetMarketDataPositionResponse:
        return market_data_pb2.GetMarketDataPositionResponse(position=at(99))


class Risk(RiskServiceServicer):
    """Two accounts: Ada's and Grace's. pending: accounts whose limits wait for an engine that is away."""

    def __init__(self) -> None:
        self.pending = 0
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
            raise Refused("unknown_account", "There is no such account of yours.", Kind.NOT_FOUND)
        return account

    async def GetAccount(self, request: Any, context: Any) -> risk_pb2.GetAccountResponse:
        return risk_pb2.GetAccountResponse(account=self._own(request.account_id, request.user_id), position=at(99))

    async def ListAccounts(self, request: Any, context: Any) -> risk_pb2.ListAccountsResponse:
        found = [account for account in self.accounts.values() if account.user_id == request.user_id]
        return risk_pb2.ListAccountsResponse(accounts=found, position=at(99))

    async def SetLimitPolicy(self, request: Any, context: Any) -> risk_pb2.SetLimitPolicyResponse:
        if self.pending:
            return risk_pb2.SetLimitPolicyResponse(position=at(100), accounts_pending=self.pending)
        if request.account_id:
            self._own(request.account_id, "").limits.CopyFrom(request.limits)
        return risk_pb2.SetLimitPolicyResponse(position=at(100), accounts_changed=1)

    async def SetTradingState(self, request: Any, context: Any) -> risk_pb2.SetTradingStateResponse:
        self._own(request.account_id, "").state = ("", "ACTIVE", "SUSPENDED")[request.state]
        return risk_pb2.SetTradingStateResponse(position=at(100))

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
        self.registered: list[tuple[str, str]] = []  # e-mail address, network address
        self.erased: list[tuple[str, str, str | None]] = []  # user, by whom, password
        self.passwords: list[tuple[str, str, str, str]] = []  # user, current, new, session
        self.revocations: asyncio.Queue[user_pb2.StreamRevocationsResponse | Refused] = asyncio.Queue()
        self.confirmed: asyncio.Queue[user_pb2.ConfirmRevocationsRequest] = asyncio.Queue()
        self.followed: list[user_pb2.StreamRevocationsRequest] = []
        self.fault: Refused | None = None
        self.answers = asyncio.Event()
        self.answers.set()
        self.tells = asyncio.Event()  # what ended
        self.tells.set()
        self.has_told = asyncio.Event()

    def _user(self, user_id: str) -> user_pb2.User:
        if user_id not in self.users:
            raise Refused("user_not_found", "There is no such user.", Kind.NOT_FOUND)
        return self.users[user_id]

    async def Register(self, request: user_pb2.RegisterRequest, context: Any) -> user_pb2.RegisterResponse:
        self.registered.append((request.email, request.client_address))
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

    async def ChangePassword(self, request: user_pb2.ChangePasswordRequest, context: Any) -> Any:
        self.passwords.append((request.user_id, request.current_password, request.new_password, request.session_id))
        if request.current_password != "correct horse battery":
            raise Refused("wrong_password", "The current password is another one.", Kind.UNPROCESSABLE)
        return user_pb2.ChangePasswordResponse()

    async def EraseUser(self, request: user_pb2.EraseUserRequest, context: Any) -> Any:
        self._user(request.user_id)
        password = request.current_password if request.HasField("current_password") else None
        self.erased.append((request.user_id, request.erased_by, password))
        return user_pb2.EraseUserResponse(position=at(99))

    async def ResetPassword(self, request: user_pb2.ResetPasswordRequest, context: Any) -> Any:
        self._user(request.user_id)
        return user_pb2.ResetPasswordResponse(one_time_password="abcdef-ghijkl", expires_at_ns=NOW_NS)

    async def GetUser(self, request: Any, context: Any) -> user_pb2.GetUserResponse:
        return user_pb2.GetUserResponse(user=self._user(request.user_id), position=at(99))

    async def ListUsers(self, request: Any, context: Any) -> user_pb2.ListUsersResponse:
        return user_pb2.ListUsersResponse(users=list(self.users.values()), position=at(99))

    async def UpdateProfile(self, request: Any, context: Any) -> user_pb2.UpdateProfileResponse:
        self._user(request.user_id).name = request.name
        return user_pb2.UpdateProfileResponse(user=self._user(request.user_id), position=at(99))

    async def CreateApiKey(self, request: Any, context: Any) -> user_pb2.CreateApiKeyResponse:
        assert request.held_roles, "a caller always holds something"
        roles = request.roles or request.held_roles
        if not set(roles) <= set(request.held_roles):
            raise Refused("role_not_held", "A key has at most the roles of whoever makes it.")
        key = user_pb2.ApiKey(id="tk_new", name=request.name, roles=roles, created_at_ns=NOW_NS)
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
        await self.answers.wait()
        if self.fault is not None:
            raise self.fault
        if found is None:
            raise Refused("key_revoked", "The API key is unknown, wrong or revoked.", Kind.UNAUTHENTICATED)
        return user_pb2.VerifyApiKeyResponse(user_id=found[0], roles=found[1])

    async def StreamRevocations(self, request: Any, context: Any) -> AsyncIterator[user_pb2.StreamRevocationsResponse]:
        self.followed.append(request)
        await self.tells.wait()
        if not request.HasField("after"):
            yield user_pb2.StreamRevocationsResponse(position=at(40), session_ids=["ended-before"])
            self.has_told.set()
        while True:
            told = await self.revocations.get()
            if isinstance(told, Refused):
                raise told
            yield told

    async def ConfirmRevocations(self, request: Any, context: Any) -> user_pb2.ConfirmRevocationsResponse:
        self.confirmed.put_nowait(request)
        return user_pb2.ConfirmRevocationsResponse()

    def change_roles(self, user_id: str, roles: list[str], changed_at_ns: int) -> None:
        held = user_pb2.RolesHeld(user_id=user_id, roles=roles, changed_at_ns=changed_at_ns)
        told = user_pb2.StreamRevocationsResponse(position=at(100), user_ids=[user_id], roles_held=[held])
        self.revocations.put_nowait(told)

    def end_session(self, session: str) -> None:
        self.revocations.put_nowait(user_pb2.StreamRevocationsResponse(position=at(100), session_ids=[session]))


class Engine(EngineServiceServicer):
    """Books deposits on the log; takes every listing of an asset once, and tells the market of instruments."""

    def __init__(self, log: MemoryLog, market: Market) -> None:
        self.log = log
        self.market = market
        self.writer: Any = None
        self.listed: set[str] = set()
        self.commands: dict[str, bytes] = {}
        self.fault: Refused | None = None
        self.disconnected: asyncio.Queue[str] = asyncio.Queue()
        self.away = 0  # so many reports find nobody

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
                result.aggregate_id = CLEARING_ACCOUNT  # of the first event, as the real one
                self.market.listed.append(command.list_instrument)
            case "report_disconnect":
                if self.away:
                    self.away -= 1
                    raise Refused("engine_busy", "Later.", Kind.UNAVAILABLE)
                self.disconnected.put_nowait(command.report_disconnect.account_id)
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

    async def append(
        self, command_id: str, aggregate_id: str, kind: str, event_type: str, data: bytes, user_id: str | None = None
    ) -> int:
        self.writer = self.writer or await self.log.acquire("trading-engine", ["Account", "Order"])
        version = len(await self.log.read_stream(aggregate_id)) + 1
        event = NewEvent(derived_id(command_id), aggregate_id, kind, event_type, version, data, NOW_NS, user_id=user_id)
        (appended,) = await self.log.append([Append((event,), "test", command_id)], self.writer)
        return appended.last

    async def GetEngineBook(self, request: Any, context: Any) -> engine_pb2.GetEngineBookResponse:
        raise self.fault or Refused("unknown_instrument", "There is no instrument with this symbol.", Kind.NOT_FOUND)
