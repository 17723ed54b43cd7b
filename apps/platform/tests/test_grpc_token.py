"""Whoever is on this machine, and not the platform's owner, can do nothing over gRPC."""

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
import uvloop

from kernel.ids import derived_id
from kernel.refused import Refused
from kernel.rpc import connect
from kernel.runtime import SystemRuntime
from trading.v1 import engine_pb2
from trading.v1.engine_pb2_grpc import EngineServiceStub
from trading_platform.bench.child import child
from trading_platform.grpc_token import FILE, token_in, token_of
from trading_platform.settings import PlatformSettings


def test_a_token_is_made_once_for_a_folder_and_only_its_owner_reads_it(tmp_path):
    settings = PlatformSettings(data=tmp_path / "data")
    runtime = SystemRuntime()
    with ThreadPoolExecutor(8) as processes:
        tokens = set(processes.map(lambda _: token_of(settings, runtime), range(64)))
    assert tokens == {token_in(settings.data)} == {token_of(settings, runtime)}
    assert [path.name for path in settings.data.iterdir()] == [FILE]
    assert stat.S_IMODE((settings.data / FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.data.stat().st_mode) == 0o700
    assert len(next(iter(tokens))) == 64


def test_the_token_of_the_settings_wins_and_nothing_is_written(tmp_path):
    settings = PlatformSettings(data=tmp_path, grpc_token="of the cluster")
    assert token_of(settings, SystemRuntime()) == "of the cluster"
    assert list(tmp_path.iterdir()) == []


def test_an_empty_token_opens_nothing(tmp_path):
    (tmp_path / FILE).touch()
    with pytest.raises(ValueError, match="which is empty"):
        token_of(PlatformSettings(data=tmp_path), SystemRuntime())


async def asked(address: str, token: str | None) -> str:
    """How the engine answers: what it refuses, or what it opened."""
    channel = connect(address, token)
    command = engine_pb2.Command(
        command_id=derived_id("test", "open"), correlation_id="test", open_account=engine_pb2.OpenAccount(user_id="u")
    )
    try:
        answer = await EngineServiceStub(channel).Execute(engine_pb2.ExecuteRequest(command=command))
        return answer.result.refused or answer.result.aggregate_id
    except Refused as refused:
        return refused.code
    finally:
        await channel.close(None)


async def on_loopback(folder) -> None:
    async with child(SystemRuntime(), folder, services="trading-engine") as platform:
        assert platform.grpc.startswith("127.0.0.1:")
        assert await asked(platform.grpc, None) == "unauthenticated"
        assert await asked(platform.grpc, "guessed") == "unauthenticated"
        assert (await asked(platform.grpc, token_in(folder))).startswith("61636374-")


def test_a_caller_on_this_machine_shows_the_token_of_the_data_folder(tmp_path):
    uvloop.run(on_loopback(tmp_path / "data"))
