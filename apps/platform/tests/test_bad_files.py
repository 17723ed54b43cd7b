"""Files of a stopped platform that somebody broke, and folders that are none: one line that names them."""

import pytest

from .commands import ran

SERVICES = ("--services", "trading-engine,market-data,order-service,risk-management", "--http", "127.0.0.1:0")
RUBBISH = b"rubbish" * 1_000


def up(folder, *arguments):
    return ran("up", "--data", folder, *arguments, variables={"TRADING_PLATFORM_LOG_LEVEL": "ERROR"})


def told(ended, code):
    """The only line that was said."""
    assert ended.returncode == code, ended.stderr
    (line,) = ended.stderr.strip().splitlines()
    return line


def test_a_read_model_that_cannot_be_read_is_named_with_what_to_do(tmp_path):
    path = tmp_path / "risk-management" / "risk.sqlite"
    path.parent.mkdir()
    path.write_bytes(RUBBISH)
    line = told(up(tmp_path, *SERVICES), 3)
    assert f"{path} cannot be read" in line
    assert "delete the file" in line
    ended = ran("verify", "--data", tmp_path)
    assert ended.returncode == 1, ended.stderr
    assert f"{path} cannot be read" in ended.stderr


def test_a_private_store_that_cannot_be_read_is_named_with_what_to_do(tmp_path):
    path = tmp_path / "user-service" / "private.db"
    path.parent.mkdir()
    path.write_bytes(RUBBISH)
    line = told(up(tmp_path, "--http", "127.0.0.1:0"), 3)
    assert line.startswith(f"{path} cannot be read")
    assert "restore it" in line
    ended = ran("verify", "--data", tmp_path)
    assert ended.returncode == 1, ended.stderr
    assert f"{path} cannot be read" in ended.stderr


@pytest.mark.parametrize("held", ["{", "[]", '{"x": 1}', "null"])
def test_a_file_of_the_demo_that_cannot_be_read_is_named_with_what_to_do(tmp_path, held):
    (tmp_path / "demo.json").write_text(held)
    ended = up(tmp_path, "--demo", "--http", "127.0.0.1:0")
    assert f"{tmp_path / 'demo.json'} does not hold the passwords" in told(ended, 3)


@pytest.mark.parametrize("command", ["up", "verify"])
def test_what_is_no_folder_is_wrong_usage(tmp_path, command):
    file = tmp_path / "file"
    file.touch()
    assert "TRADING_PLATFORM_DATA: expected a folder, and this is a file" in told(ran(command, "--data", file), 2)
    assert "TRADING_PLATFORM_DATA: expected a folder" in told(ran(command, "--data", ""), 2)
    assert "expected a folder" in told(ran(command, variables={"TRADING_PLATFORM_DATA": ""}), 2)
