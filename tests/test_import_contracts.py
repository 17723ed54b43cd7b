"""The import contracts name every package, and each of them breaks when it is violated."""

import configparser
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LINT = Path(sys.executable).parent / "lint-imports"


def contracts():
    config = configparser.ConfigParser()
    config.read(ROOT / ".importlinter")
    packages = config["importlinter"]["root_packages"].split()
    return packages, {name: config[name] for name in config.sections() if ":contract:" in name}


def modules_of(contract):
    """(source, forbidden) of one import that the contract does not allow."""
    if contract["type"] == "independence":
        return contract["modules"].split()[:2]
    return contract["source_modules"].split()[0], contract["forbidden_modules"].split()[0]


def plant(folder, packages, all_contracts, violated):
    """Empty packages and modules of the same names, and one import that the contract `violated` forbids."""
    sections = [all_contracts[name] for name in all_contracts]
    named = {
        word for section in sections for key in section if key.endswith("modules") for word in section[key].split()
    }
    for module in sorted(named | set(packages)):
        if module.split(".", 1)[0] not in packages:
            continue
        path = folder.joinpath(*module.split("."))
        path.mkdir(parents=True, exist_ok=True)
        (path / "__init__.py").touch()
    source, forbidden = modules_of(all_contracts[violated])
    (folder.joinpath(*source.split(".")) / "__init__.py").write_text(f"import {forbidden}\n")


def lint(folder):
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [LINT, "--no-cache", "--config", ROOT / ".importlinter"]
    return subprocess.run(command, check=False, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("name", sorted(contracts()[1]))
def test_a_contract_breaks_when_it_is_violated(tmp_path, name):
    packages, all_contracts = contracts()
    plant(tmp_path, packages, all_contracts, name)
    linted = lint(tmp_path)
    assert f"{all_contracts[name]['name']} BROKEN" in " ".join(linted.stdout.split()), linted.stdout + linted.stderr
    assert linted.returncode == 1


def test_every_package_stands_under_the_contracts():
    packages, all_contracts = contracts()
    services = {path.name for path in ROOT.glob("services/*/src/*") if (path / "__init__.py").exists()}
    others = {path.name for part in ("libs", "apps") for path in ROOT.glob(f"{part}/*/src/*") if path.is_dir()}
    assert set(packages) == services | others
    apart = all_contracts["importlinter:contract:services"]["modules"].split()
    assert set(apart) == services
