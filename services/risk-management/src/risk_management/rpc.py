"""The service's interface: parse, ask the view or the writer, render."""

from typing import TYPE_CHECKING, Any

from kernel.ids import KIND_ACCOUNT, core_cursor, derived_id
from kernel.projection import Projection
from kernel.refused import Kind, Refused
from kernel.rpc import correlation_id
from kernel.runtime import Runtime
from risk_management.enforcement import Enforcement
from risk_management.policies import LimitPolicies
from risk_management.policy import RemoveLimitPolicy
from risk_management.process import DEFAULT_SCOPE
from risk_management.rows import AccountRow, KillSwitchRow
from risk_management.settings import RiskManagementSettings
from risk_management.views import VENUE, RiskView
from risk_management.wire import (
    account_message,
    exposure_messages,
    instrument_exposure_messages,
    open_orders,
    policy_command,
    policy_message,
    position_messages,
)
from trading.v1 import engine_pb2, risk_pb2, risk_pb2_grpc, types_pb2

if TYPE_CHECKING:
    from trading.v1.engine_pb2_grpc import EngineServiceAsyncStub


DEFAULT_CURSOR = "default"


class RiskServicer(risk_pb2_grpc.RiskServiceServicer):
    """Every read waits for the position that its caller has seen; without one, for the head as of its arrival.

    A user_id in a read is its caller's: another user's account is not found.
    """

    def __init__(
        self,
        runtime: Runtime,
        log: str,
        view: RiskView,
        projection: Projection,
        policies: LimitPolicies,
        enforcement: Enforcement,
        engine: "EngineServiceAsyncStub",
        settings: RiskManagementSettings,
    ) -> None:
        self._runtime = runtime
        self._log = log
        self._view = view
        self._projection = projection
        self._policies = policies
        self._enforcement = enforcement
        self._engine = engine
        self._settings = settings

    async def GetAccount(self, request: risk_pb2.GetAccountRequest, context: Any) -> risk_pb2.GetAccountResponse:
        row = await self._owned(request)
        return risk_pb2.GetAccountResponse(account=account_message(self._view, row), position=self._position())

    async def ListAccounts(self, request: risk_pb2.ListAccountsRequest, context: Any) -> risk_pb2.ListAccountsResponse:
        """By id, which is the order of opening. The cursor is the last id of the page before."""
        cursor = core_cursor(KIND_ACCOUNT, request.cursor)
        await self._reached(request)
        limit = request.limit or self._settings.page_accounts_default
        rows = self._view.accounts_after(request.user_id, cursor, limit)
        return risk_pb2.ListAccountsResponse(
            accounts=[account_message(self._view, row) for row in rows],
            next_cursor=rows[-1].account_id if len(rows) == limit else "",
            # The list is of committed rows; the view may already have folded further.
            position=types_pb2.LogPosition(log=self._log, position=self._projection.position),
        )

    async def ListPositions(
        self, request: risk_pb2.ListPositionsRequest, context: Any
    ) -> risk_pb2.ListPositionsResponse:
        row = await self._owned(request)
        return risk_pb2.ListPositionsResponse(positions=position_messages(self._view, row), position=self._position())

    async def GetExposure(self, request: risk_pb2.GetExposureRequest, context: Any) -> risk_pb2.GetExposureResponse:
        row = await self._owned(request)
        return risk_pb2.GetExposureResponse(
            exposures=exposure_messages(self._view, row),
            instruments=instrument_exposure_messages(self._view, row),
            open_orders=open_orders(self._view, row),
            position=self._position(),
        )

    async def SetLimitPolicy(
        self, request: risk_pb2.SetLimitPolicyRequest, context: Any
    ) -> risk_pb2.SetLimitPolicyResponse:
        """The policy is recorded when this answers; accounts that wait for an engine that is away are pending."""
        position = await self._policies.handle(policy_command(request), request.idempotency_key)
        enforced = await self._enforcement.bring_up_to_date()
        return risk_pb2.SetLimitPolicyResponse(
            position=types_pb2.LogPosition(log=self._log, position=max(position, enforced.position)),
            accounts_changed=enforced.changed,
            accounts_pending=enforced.pending,
        )

    async def RemoveLimitPolicy(
        self, request: risk_pb2.RemoveLimitPolicyRequest, context: Any
    ) -> risk_pb2.RemoveLimitPolicyResponse:
        command = RemoveLimitPolicy(request.account_id, request.user_id)
        position = await self._policies.handle(command, request.idempotency_key)
        enforced = await self._enforcement.bring_up_to_date()
        return risk_pb2.RemoveLimitPolicyResponse(
            position=types_pb2.LogPosition(log=self._log, position=max(position, enforced.position)),
            accounts_pending=enforced.pending,
        )

    async def ListLimitPolicies(
        self, request: risk_pb2.ListLimitPoliciesRequest, context: Any
    ) -> risk_pb2.ListLimitPoliciesResponse:
        """The default first, then by account. The cursor is the last account id of the page before, or `default`."""
        await self._reached(request)
        limit = request.limit or self._settings.page_policies_default
        after = {"": None, DEFAULT_CURSOR: DEFAULT_SCOPE}.get(request.cursor, request.cursor)
        rows = self._view.policies_after(after, limit)
        return risk_pb2.ListLimitPoliciesResponse(
            policies=[policy_message(row) for row in rows],
            next_cursor=(rows[-1].account_id or DEFAULT_CURSOR) if len(rows) == limit else "",
            position=self._position(),
        )

    async def SetTradingState(
        self, request: risk_pb2.SetTradingStateRequest, context: Any
    ) -> risk_pb2.SetTradingStateResponse:
        unique = request.idempotency_key or self._runtime.uuid7()
        command_id = derived_id("set-trading-state", request.user_id, unique)
        command = engine_pb2.Command(
            command_id=command_id,
            user_id=request.user_id,
            correlation_id=correlation_id.get() or command_id,
            change_account_state=engine_pb2.ChangeAccountState(
                account_id=request.account_id, state=request.state, reason=request.reason
            ),
        )
        result = (await self._engine.Execute(engine_pb2.ExecuteRequest(command=command))).result
        if result.refused:
            raise Refused(result.refused, result.message, Kind(result.refused_kind or "unprocessable"))
        return risk_pb2.SetTradingStateResponse(position=result.position)

    async def GetKillSwitch(
        self, request: risk_pb2.GetKillSwitchRequest, context: Any
    ) -> risk_pb2.GetKillSwitchResponse:
        await self._reached(request)
        row = self._view.kill_switch.get(VENUE) or KillSwitchRow(False, "", 0)
        return risk_pb2.GetKillSwitchResponse(
            on=row.on, reason=row.reason, changed_at_ns=row.changed_at_ns, position=self._position()
        )

    async def GetRiskPosition(
        self, request: risk_pb2.GetRiskPositionRequest, context: Any
    ) -> risk_pb2.GetRiskPositionResponse:
        position = types_pb2.LogPosition(log=self._log, position=self._projection.position)
        return risk_pb2.GetRiskPositionResponse(position=position)

    async def _owned(self, request: Any) -> AccountRow:
        await self._reached(request)
        row = self._view.accounts.get(request.account_id)
        if row is None or (request.user_id and (row.user_id != request.user_id or row.kind != "CUSTOMER")):
            raise Refused("unknown_account", f"no account {request.account_id} is yours", Kind.NOT_FOUND)
        return row

    async def _reached(self, request: Any) -> None:
        known = request.HasField("at_least")
        if known and request.at_least.log != self._log:
            told = f"positions here are of the log {self._log}, got one of {request.at_least.log}"
            raise Refused("unknown_log", told, Kind.INVALID)
        await self._projection.reached(request.at_least.position if known else None)

    def _position(self) -> types_pb2.LogPosition:
        return types_pb2.LogPosition(log=self._log, position=self._view.position)
