"""Rules over any file: length, names, unfinished work, and words that have no place in a public project."""

import re
from collections.abc import Iterator
from ipaddress import ip_address

from tests.tidy.tree import LOCK_FILES, Problem, Tree, is_generated, name

FILE_LINES_MAX = 500
SOURCES = (".py", ".pyi", ".rs", ".ts", ".js", ".html", ".scss", ".css", ".proto", ".sh")
VAGUE_NAMES = frozenset(["utils", "util", "helpers", "helper", "common", "misc", "base"])
DECLARED = r"^\s*(?:export |pub(?:\([a-z]+\))? |abstract |default )*(?:class|struct|enum|trait|interface|type)\s+"
DOER = re.compile(DECLARED + r"(?P<name>\w+(?:Manager|Helper|Impl|Processor)|I[A-Z][a-z]\w*)\b")
UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX|HA" + r"CK)\b")
# A machine's own folders; the home folder of a container's user is none of them.
WORKPLACE = re.compile(r"(?<![\w.\-/}])/(?:ro" + r"ot|ho" + r"me/\w+|wo" + r"rk|Us" + r"ers/\w+|tmp/br" + r"ief)(?=/)")
BESIDE = "../sha" + "red"
BESIDE_ALLOWED = frozenset(["conftest.py", ".ci/run", "CONTRIBUTING.md", "tests/test_real_data.py"])
TRACKER = re.compile(r"\b(?:issue|pull request|PR) #?\d+\b", re.IGNORECASE)
HOST = re.compile(r"https?://(?:[^/@\s\"'`]*@)?(?P<host>[A-Za-z0-9.\-]+)")
LOCK_HOSTS = frozenset(["pypi.org", "files.pythonhosted.org", "registry.npmjs.org", "github.com"])
PRIVATE_ENDINGS = (".internal", ".intranet", ".lan", ".corp", ".local")


def file_length(tree: Tree) -> Iterator[Problem]:
    for path, text in tree.items():
        lines = text.count("\n")
        if path.endswith(SOURCES) and not is_generated(path) and lines > FILE_LINES_MAX:
            yield Problem(path, lines, f"{lines} lines, at most {FILE_LINES_MAX}: split it by noun")


def vague_names(tree: Tree) -> Iterator[Problem]:
    for path in tree:
        if is_generated(path):
            continue
        for part in path.split("/"):
            stem = part.removeprefix("test_").split(".", 1)[0].strip("_")
            if stem in VAGUE_NAMES:
                yield Problem(path, 1, f"{part} says nothing: name the noun that it holds")


def doers(tree: Tree) -> Iterator[Problem]:
    for path, text in tree.items():
        if not path.endswith((".py", ".pyi", ".rs", ".ts")) or is_generated(path):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            found = DOER.match(line)
            if found:
                yield Problem(path, number, f"{found['name']}: name it after what it is, not after doing or typing")


def unfinished(tree: Tree) -> Iterator[Problem]:
    for path, text in tree.items():
        if not is_generated(path):
            yield from matches(path, text, UNFINISHED, "unfinished work: finish it, or write a record of the decision")


def workplace(tree: Tree) -> Iterator[Problem]:
    for path, text in tree.items():
        yield from matches(path, text, WORKPLACE, "a path of one machine: take it from the environment")
        yield from matches(path, text, TRACKER, "a number of some tracker: say the reason itself")
        if path not in BESIDE_ALLOWED:
            for number, line in enumerate(text.splitlines(), 1):
                if BESIDE in line:
                    yield Problem(path, number, "only conftest.py knows where the data sets are: ask for `real_data`")


def hosts(tree: Tree) -> Iterator[Problem]:
    """Lock files name public registries only, and no file names a private host."""
    for path, text in tree.items():
        for number, line in enumerate(text.splitlines(), 1):
            for found in HOST.finditer(line):
                host = found["host"].rstrip(".")
                if is_source(path, line) and host not in LOCK_HOSTS:
                    yield Problem(path, number, f"{host} is no public registry: lock against the public ones")
                if is_private(host):
                    yield Problem(path, number, f"{host} is a private host")


def is_source(path: str, line: str) -> bool:
    """Whether a line of a lock file says where a package comes from (npm's also name pages that ask for money)."""
    return name(path) in LOCK_FILES and (name(path) != "package-lock.json" or '"resolved":' in line)


def is_private(host: str) -> bool:
    if host.endswith(PRIVATE_ENDINGS) and not host.endswith(".svc.cluster.local"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_private and not address.is_loopback and not address.is_unspecified


def matches(path: str, text: str, pattern: re.Pattern[str], told: str) -> Iterator[Problem]:
    for number, line in enumerate(text.splitlines(), 1):
        found = pattern.search(line)
        if found:
            yield Problem(path, number, f"{found.group().strip()!r}: {told}")
