"""Rules of the project that no ready linter knows, and for each a planted violation, so that no rule is asleep."""

from pathlib import Path

import pytest

from tests.tidy import code, documents, texts, tree

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tree.read(ROOT)

RULES = (
    texts.file_length,
    texts.vague_names,
    texts.doers,
    texts.unfinished,
    texts.workplace,
    texts.hosts,
    code.function_length,
    code.package_files,
    code.runtime_only,
    code.floats,
    code.settings,
    documents.links,
    documents.pages_linked,
    documents.decisions,
    documents.changelog,
)

SERVICE = "services/order-service/src/order_service/order.py"
RECORD = "# 0001 One log\n\n## Context\n\n## Decision\n\n## Reason\n\n## Consequences\n"
LONG_FUNCTION = "def long():\n" + "    pass\n" * 60
SETTINGS = "from kernel.settings import Settings\n\n\nclass OrderSettings(Settings):\n    port: int = 1\n"

# rule, what is planted, path, text: the rule tells at least one problem of that path.
PLANTED = [
    (texts.file_length, "501 lines of Python", SERVICE, "x = 1\n" * 501),
    (texts.file_length, "501 lines of Rust", "crates/matching/src/book.rs", "//\n" * 501),
    (texts.vague_names, "a module called utils", "libs/kernel/src/kernel/utils.py", ""),
    (texts.vague_names, "a folder called common", "services/a/src/a/common/order.py", ""),
    (texts.vague_names, "a web folder called helpers", "frontends/web/src/app/helpers/price.ts", ""),
    (texts.doers, "a class that is a Manager", SERVICE, "class OrderManager:\n    pass\n"),
    (texts.doers, "a Rust struct that is an Impl", "crates/matching/src/book.rs", "pub(crate) struct BookImpl {\n"),
    (texts.doers, "an interface with a prefix", "frontends/web/src/app/order.ts", "export interface IOrder {\n"),
    (texts.unfinished, "unfinished work", SERVICE, "# TO" + "DO: later\n"),
    (texts.workplace, "a home folder", SERVICE, 'PATH = "/ho' + 'me/somebody/data"\n'),
    (texts.workplace, "a number of a tracker", "docs/README.md", "See issue" + " #12.\n"),
    (texts.workplace, "the folder beside the project", SERVICE, 'PATH = "../sha' + 'red/data"\n'),
    (texts.hosts, "a private registry in a lock file", "uv.lock", 'registry = "https://mirror.example.net/simple"\n'),
    (texts.hosts, "a private registry for npm", "a/package-lock.json", '"resolved": "https://npm.example.net/a.tgz"\n'),
    (texts.hosts, "a private address", "docs/README.md", "http://10." + "1.2.3/\n"),
    (code.function_length, "a function of 61 lines", SERVICE, LONG_FUNCTION),
    (code.package_files, "a re-export", "libs/kernel/src/kernel/__init__.py", "from kernel.money import parse\n"),
    (code.runtime_only, "the wall clock", SERVICE, "import time\n\nSTART = time.time()\n"),
    (
        code.runtime_only,
        "the wall clock under another name",
        SERVICE,
        "from time import time as now\n\nSTART = now()\n",
    ),
    (code.runtime_only, "sleep", SERVICE, "import asyncio\n\n\nasync def wait():\n    await asyncio.sleep(1)\n"),
    (code.runtime_only, "a task", SERVICE, "import asyncio\n\n\ndef go(work):\n    asyncio.create_task(work)\n"),
    (code.runtime_only, "a loop of its own", SERVICE, "import asyncio\n\nLOOP = asyncio.get_event_loop()\n"),
    (code.runtime_only, "a task of a loop", SERVICE, "def go(loop, work):\n    loop.create_task(work)\n"),
    (code.runtime_only, "a timer", SERVICE, "import asyncio\n\nasyncio.get_running_loop().call_later(1, print)\n"),
    (code.runtime_only, "a thread", SERVICE, "from threading import Thread\n\nThread().start()\n"),
    (code.runtime_only, "a date", SERVICE, "from datetime import datetime\n\nSTART = datetime.now()\n"),
    (code.runtime_only, "randomness", SERVICE, "import random\n\nLUCK = random.random()\n"),
    (code.runtime_only, "a random id", SERVICE, "import uuid\n\nID = uuid.uuid4()\n"),
    (code.runtime_only, "a secret", SERVICE, "import secrets\n\nID = secrets.token_hex()\n"),
    (code.runtime_only, "the system's randomness", SERVICE, "import os\n\nID = os.urandom(1)\n"),
    (code.runtime_only, "a file", SERVICE, "FILE = open('a')\n"),
    (code.runtime_only, "a file by its path", SERVICE, "def read(path):\n    return path.read_text()\n"),
    (code.runtime_only, "a file opened by its path", SERVICE, "def read(log_path):\n    return log_path.open()\n"),
    (code.runtime_only, "a file in a folder", SERVICE, "def read(data, name):\n    return (data / name).open()\n"),
    (code.runtime_only, "a file that goes", SERVICE, "import os\n\n\ndef drop(name):\n    os.remove(name)\n"),
    (code.runtime_only, "a path that goes", SERVICE, "def drop(of):\n    of.unlink()\n"),
    (code.runtime_only, "a folder that goes", SERVICE, "import shutil\n\n\ndef drop(of):\n    shutil.rmtree(of)\n"),
    (code.runtime_only, "a look at a file", SERVICE, "def there(self):\n    return self._path.stat()\n"),
    (code.runtime_only, "a database", SERVICE, "import sqlite3\n\nROWS = sqlite3.connect('rows')\n"),
    (code.runtime_only, "a socket", SERVICE, "import socket\n\nTALK = socket.socket()\n"),
    (
        code.runtime_only,
        "a socket that listens",
        SERVICE,
        "from socket import create_server\n\ncreate_server(('', 0))\n",
    ),
    (code.runtime_only, "a request", SERVICE, "import httpx2\n\nPAGE = httpx2.get('http://127.0.0.1')\n"),
    (code.runtime_only, "a client", SERVICE, "from httpx2 import AsyncClient\n\nCLIENT = AsyncClient()\n"),
    (code.runtime_only, "a server", SERVICE, "import asyncio\n\n\ndef go(of):\n    return asyncio.start_server(of)\n"),
    (
        code.runtime_only,
        "a task of a group",
        SERVICE,
        "import asyncio\n\n\nasync def go():\n    async with asyncio.TaskGroup():\n        pass\n",
    ),
    (code.runtime_only, "a step of a loop", SERVICE, "def go(loop, work):\n    loop.call_soon(work)\n"),
    (code.runtime_only, "a step of a future's loop", SERVICE, "def go(f):\n    f.get_loop().call_soon_threadsafe(f)\n"),
    (code.runtime_only, "a signal", SERVICE, "def go(loop):\n    loop.add_signal_handler(2, go)\n"),
    (code.runtime_only, "an entry that nobody needs", "libs/kernel/src/kernel/runtime.py", "import time\n"),
    (code.floats, "a float literal", SERVICE, "PRICE = 1.5\n"),
    (code.floats, "a conversion", SERVICE, "def price(text):\n    return float(text)\n"),
    (code.floats, "a float in a signature", SERVICE, "def price(of: float) -> None:\n    pass\n"),
    (code.floats, "an entry that nobody needs", "libs/kernel/src/kernel/telemetry.py", "BUCKETS = (1, 2)\n"),
    (code.settings, "a field without a docstring", "services/a/src/a/settings.py", SETTINGS),
    (documents.links, "a link to nowhere", "docs/README.md", "[a](missing.md)\n"),
    (documents.links, "a link to a heading that is not there", "docs/README.md", "# A\n[a](#b)\n"),
    (documents.pages_linked, "a page that nobody links", "docs/concepts/lost.md", "# Lost\n"),
    (documents.decisions, "a record without its number", "docs/decisions/one-log.md", RECORD),
    (documents.decisions, "a record without a reason", "docs/decisions/0001-a.md", RECORD.replace("Reason", "Why")),
    (documents.decisions, "a record with another title", "docs/decisions/0002-one-log.md", RECORD),
    (documents.changelog, "a changelog that ends", "CHANGELOG.md", "# Changelog\n"),
]

# What looks like a violation and is none.
INNOCENT = [
    (texts.vague_names, "a test of money", "libs/kernel/tests/test_money.py", ""),
    (texts.workplace, "a path of the API", SERVICE, 'ROUTE = "/v1/wo' + 'rk/1"\n'),
    (texts.hosts, "the loopback", "README.md", "http://127.0.0.1:8080/docs and http://localhost:8080/\n"),
    (texts.hosts, "a page that asks for money", "a/package-lock.json", '"url": "https://opencollective.com/a"\n'),
    (code.package_files, "a docstring", "libs/kernel/src/kernel/__init__.py", '"""What it is."""\n'),
    (code.runtime_only, "a method called open", SERVICE, "def go(log):\n    log.open()\n"),
    (code.runtime_only, "a text that is replaced", SERVICE, "def go(symbol):\n    return symbol.replace('-', '/')\n"),
    (
        code.runtime_only,
        "a client that is given",
        SERVICE,
        "import httpx2\n\n\ndef go(of: httpx2.Client) -> None: ...\n",
    ),
    (code.runtime_only, "a family of sockets", SERVICE, "import socket\n\nFAMILY = socket.AF_INET\n"),
    (code.runtime_only, "a field called time", SERVICE, "def at(event):\n    return event.time\n"),
    (
        code.runtime_only,
        "a date from a number",
        SERVICE,
        "from datetime import datetime\n\nA = datetime.fromtimestamp(0)\n",
    ),
    (code.runtime_only, "a future", SERVICE, "import asyncio\n\nF = asyncio.get_running_loop().create_future()\n"),
    (code.floats, "integers", SERVICE, "PRICE = 150\n"),
    (
        code.floats,
        "seconds",
        SERVICE,
        "WAIT_S = 1.5\n\n\ndef wait(wait_s: float = WAIT_S) -> None:\n    sleep_s: float = 1\n",
    ),
    (code.floats, "nanoseconds of seconds", SERVICE, "def go(wait_s: float) -> int:\n    return int(wait_s * 1e9)\n"),
    (code.settings, "a field with a docstring", "services/a/src/a/settings.py", SETTINGS + '    """TCP port."""\n'),
    (documents.links, "a link to a heading", "docs/README.md", "# The `log` and you\n[a](#the-log-and-you)\n"),
    (documents.links, "a link inside a listing", "docs/README.md", "```\n[a](missing.md)\n```\n"),
    (documents.decisions, "a whole record", "docs/decisions/0001-one-log.md", RECORD),
]


def sentences(cases):
    return [f"{rule.__name__}: {sentence}" for rule, sentence, *_ in cases]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_project_keeps_the_rule(rule):
    problems = [str(problem) for problem in rule(PROJECT)]
    assert not problems, "\n".join(["", *problems])


@pytest.mark.parametrize(("rule", "sentence", "path", "text"), PLANTED, ids=sentences(PLANTED))
def test_the_rule_finds_what_was_planted(rule, sentence, path, text):
    told = [
        problem
        for problem in rule({path: text})
        if problem.path == path and "does not exist: remove" not in problem.told
    ]
    assert told, f"{rule.__name__} did not find {sentence}"


@pytest.mark.parametrize(("rule", "sentence", "path", "text"), INNOCENT, ids=sentences(INNOCENT))
def test_the_rule_leaves_the_innocent_alone(rule, sentence, path, text):
    told = [str(problem) for problem in rule({path: text}) if problem.path == path]
    assert not told, f"{sentence}: {told}"


def test_every_rule_has_a_planted_violation():
    assert {rule for rule, *_ in PLANTED} == set(RULES)


def test_an_allowed_file_that_is_gone_is_told():
    for rule in (code.runtime_only, code.floats):
        assert any("does not exist" in problem.told for problem in rule({})), rule.__name__


def test_pictures_that_pages_show_exist():
    missing = [
        f"{page}:{line}: {target}"
        for page, line, target in documents.all_links(PROJECT)
        if documents.is_picture(target) and not (ROOT / documents.resolve(page, target)).exists()
    ]
    assert not missing


def test_the_tree_reads_what_is_written_and_not_what_is_installed():
    assert {"pyproject.toml", "libs/kernel/src/kernel/money.py", "Makefile"} <= set(PROJECT)
    assert not [path for path in PROJECT if "node_modules" in path or path.startswith(".venv")]
