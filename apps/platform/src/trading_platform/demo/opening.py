"""The commands that open the demo market: assets, instruments, accounts and money, the same ones at every start."""

from typing import TYPE_CHECKING, Any

from kernel.ids import derived_id
from kernel.runtime import Runtime
from trading.v1 import engine_pb2
from trading_platform.demo.instruments import CURRENCY, INSTRUMENTS

if TYPE_CHECKING:
    from trading.v1.engine_pb2_grpc import EngineServiceAsyncStub

BACKFILL_STEPS = 240
BACKFILL_STEP_NS = 2_000_000_000


def opened_at_ns(runtime: Runtime) -> int:
    """When a fresh demo venue opens: early enough for the minutes of trading before now."""
    return past_ns(runtime, BACKFILL_STEPS + 1)


def past_ns(runtime: Runtime, steps: int) -> int:
    """When the step was that is so many before now."""
    return runtime.now_ns() - steps * BACKFILL_STEP_NS


class Opening:
    """A command that was done at an earlier start gets its first answer, and changes nothing."""

    def __init__(self, runtime: Runtime, engine: "EngineServiceAsyncStub") -> None:
        self._runtime = runtime
        self._engine = engine

    async def list_all(self) -> bool:
        """List assets and instruments; True if the log had none of them yet."""
        usd = engine_pb2.ListAsset(asset="USD", scale=10, kind=CURRENCY)
        fresh = (await self._execute("list-USD", list_asset=usd)).first_time
        for listed in INSTRUMENTS:
            asset = engine_pb2.ListAsset(asset=listed.base, scale=listed.base_scale, kind=listed.base_kind)
            await self._execute(f"list-{listed.base}", list_asset=asset)
            terms = engine_pb2.ListInstrument(
                symbol=listed.symbol,
                base=listed.base,
                quote="USD",
                price_unit=listed.tick,
                lot_unit=listed.lot,
                max_price="10000000",
                max_quantity="1000000",
                protection="0.02",
                calendar="24x7",
            )
            await self._execute(f"list-{listed.symbol}-instrument", list_instrument=terms)
        return fresh

    async def account(self, user_id: str) -> str:
        opened = await self._execute(f"open-{user_id}", open_account=engine_pb2.OpenAccount(user_id=user_id))
        return opened.aggregate_id

    async def fund(self, account_id: str, funds: dict[str, str]) -> None:
        for asset, amount in funds.items():
            deposit = engine_pb2.Deposit(account_id=account_id, asset=asset, amount=amount)
            await self._execute(f"fund-{account_id}-{asset}", deposit=deposit)

    async def _execute(self, what: str, **body: Any) -> engine_pb2.CommandResult:
        """One administrative command, the same one at every start."""
        command_id, time_ns = derived_id("demo", what), past_ns(self._runtime, BACKFILL_STEPS)
        command = engine_pb2.Command(command_id=command_id, correlation_id=command_id, source_time_ns=time_ns, **body)
        answer: engine_pb2.ExecuteResponse = await self._engine.Execute(engine_pb2.ExecuteRequest(command=command))
        if answer.result.refused:
            raise RuntimeError(f"demo market: {what}: {answer.result.refused}: {answer.result.message}")
        return answer.result
