"""Rules over hand-written Python: function length, package files, what only the runtime may do, and exact numbers."""

import ast
from collections.abc import Iterator, Mapping

from tests.tidy.tree import Problem, Tree, is_product, name, python

FUNCTION_LINES_MAX = 60

# What only the runtime may do. A name that ends with a dot means all of the module.
RUNTIME_ONLY = (
    *("time.", "random.", "secrets.", "uuid_utils.", "uuid.uuid1", "uuid.uuid4", "uuid.uuid7", "os.urandom"),
    *("asyncio.sleep", "asyncio.create_task", "asyncio.ensure_future", "asyncio.to_thread", "asyncio.run"),
    *("asyncio.get_event_loop", "asyncio.new_event_loop", "asyncio.TaskGroup", "asyncio.create_subprocess_exec"),
    *("asyncio.create_subprocess_shell", "asyncio.open_connection", "asyncio.open_unix_connection"),
    *("asyncio.start_server", "asyncio.start_unix_server"),
    *("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today"),
    *("threading.Thread", "threading.Timer", "concurrent.futures.", "multiprocessing.", "subprocess."),
    *(
        "open",
        "io.open",
        "os.open",
        "tempfile.",
        "shutil.",
        "fcntl.flock",
        "fcntl.lockf",
        "zipfile.ZipFile",
        "sqlite3.connect",
    ),
    *("os.remove", "os.unlink", "os.rename", "os.replace", "os.mkdir", "os.makedirs", "os.rmdir", "os.listdir"),
    *("os.scandir", "os.walk", "os.stat", "os.chmod", "os.fchmod", "os.truncate", "os.link", "os.symlink", "os.fsync"),
    *("os.system", "os.fork", "os.kill", "os.read", "os.write"),
    *("socket.socket", "socket.create_server", "socket.create_connection", "socket.socketpair", "socket.fromfd"),
    *("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostname", "urllib.request.", "http.client."),
    *("httpx2.Client", "httpx2.AsyncClient", "httpx2.request", "httpx2.stream", "httpx2.get", "httpx2.post"),
    *("httpx2.put", "httpx2.patch", "httpx2.delete", "httpx2.head", "httpx2.options"),
)
RUNTIME_ONLY_METHODS = frozenset(
    [
        *("read_text", "read_bytes", "write_text", "write_bytes", "unlink", "touch", "mkdir", "rmdir", "chmod"),
        *("iterdir", "rglob", "symlink_to", "hardlink_to", "exists", "is_file", "is_dir"),
    ]
)
# Of something that is called a path, a file or a folder. Elsewhere these words mean other things.
PATH_METHODS = frozenset(["open", "rename", "glob", "stat"])
PATH_NAMES = ("path", "file", "folder")
# A running loop may be asked for a future; tasks, timers, threads, sockets and signals are the runtime's.
LOOP_METHODS = frozenset(
    [
        *("create_task", "call_soon", "call_soon_threadsafe", "call_later", "call_at", "run_in_executor", "time"),
        *("create_server", "create_connection", "create_datagram_endpoint", "create_unix_server", "add_reader"),
        *("add_writer", "add_signal_handler", "run_until_complete", "run_forever", "subprocess_exec"),
    ]
)
# File -> why, and what it may do of that. An entry that is not needed is a problem too.
RUNTIME_ALLOWED: Mapping[str, tuple[str, ...]] = {
    "libs/kernel/src/kernel/runtime.py": (
        "it is the runtime",
        *("time.time_ns", "time.monotonic_ns", "asyncio.sleep", "os.urandom"),
        *("threading.Thread", "loop.create_task", "loop.call_soon_threadsafe"),
    ),
    "libs/kernel/src/kernel/rpc.py": (
        "a call's task and deadline are the running loop's, and a simulation's where that is simulated",
        *("loop.create_task", "loop.call_at", "loop.time"),
    ),
    "libs/kernel/src/kernel/simulation/loop.py": ("its order comes from the seed", "random.Random"),
    "libs/kernel/src/kernel/simulation/runtime.py": (
        "it is the runtime in a simulation",
        *("random.Random", "asyncio.sleep", "loop.create_task", "loop.run_until_complete"),
    ),
    "libs/kernel/src/kernel/eventlog/sqlite.py": (
        "locks and syncs the file that it owns",
        *("sqlite3.connect", "os.open", "os.fchmod", "os.fsync", "fcntl.flock", ".mkdir"),
    ),
    "libs/kernel/src/kernel/eventlog/sqlite_presence.py": (
        "looks whether its files are still there",
        ".stat",
        "os.stat",
    ),
    "libs/kernel/src/kernel/eventlog/sqlite_checkpoint.py": ("keeps one row in a file of its own", "sqlite3.connect"),
    "libs/kernel/src/kernel/eventlog/sqlite_snapshots.py": (
        "makes its file private before SQLite writes",
        *("os.open", "sqlite3.connect"),
    ),
    "libs/kernel/src/kernel/projection.py": (
        "keeps a view's rows in a file of its own, private before SQLite writes",
        *("os.open", ".chmod", "sqlite3.connect"),
    ),
    "apps/platform/src/trading_platform/platform.py": (
        "makes the folders of the services, finds the web terminal, and takes the address that people were told",
        *(".mkdir", ".is_file", "socket.socket", "socket.create_server"),
    ),
    "apps/platform/src/trading_platform/grpc_token.py": (
        "keeps a secret in a private file that appears whole",
        *("tempfile.mkstemp", "os.link", ".mkdir", ".exists", ".read_text", ".unlink"),
    ),
    "apps/platform/src/trading_platform/termination.py": ("ends when it is asked to", "loop.add_signal_handler"),
    "apps/platform/src/trading_platform/up_command.py": (
        "ends when it is interrupted, or whoever started it is gone",
        *("loop.add_signal_handler", "loop.add_reader", "os.read"),
    ),
    "apps/platform/src/trading_platform/verify_command.py": ("looks whether there is a log", ".is_file"),
    "apps/platform/src/trading_platform/verify/private.py": ("looks whether there is a private store", ".is_file"),
    "apps/platform/src/trading_platform/settings.py": ("says what is no folder", ".exists", ".is_dir"),
    "apps/platform/src/trading_platform/streams.py": ("opens what is closed of 0 to 2 on nothing", "os.open", "open"),
    "apps/platform/src/trading_platform/verify/checks.py": ("looks which read models there are", ".is_file", ".is_dir"),
    "apps/platform/src/trading_platform/verify/views.py": ("reads the file of a stopped service", "sqlite3.connect"),
    "apps/platform/src/trading_platform/lobster/day.py": ("reads the recorded day", "zipfile.ZipFile"),
    "apps/platform/src/trading_platform/conformance/suite.py": (
        "reads the public data sets",
        *(".read_text", ".is_dir", ".iterdir"),
    ),
    "apps/platform/src/trading_platform/client/browser.py": ("a browser comes back to it", "asyncio.start_server"),
    "apps/platform/src/trading_platform/client/rest.py": (
        "asks the platform, in a command of its own",
        "httpx2.request",
    ),
    "apps/platform/src/trading_platform/client/session.py": (
        "keeps a person's tokens in a private file",
        *("os.open", "os.fchmod", "fcntl.flock", ".mkdir", ".is_file"),
    ),
    "apps/platform/src/trading_platform/bench/child.py": (
        "what is measured runs in a process of its own",
        "asyncio.create_subprocess_exec",
    ),
    "apps/platform/src/trading_platform/matching_program.py": (
        "the core's own program is built and run by cargo",
        *(".is_file", "shutil.which", "subprocess.run"),
    ),
    "apps/platform/src/trading_platform/bench/http.py": ("asks as a client would", "httpx2.AsyncClient"),
    "apps/platform/src/trading_platform/bench/load.py": ("asks as many clients would", "loop.create_connection"),
    "services/api-gateway/src/api_gateway/service.py": ("reads the keys of the issuer", "httpx2.AsyncClient"),
    "apps/platform/src/trading_platform/demo/trading.py": ("draws from the seed that was given", "random.Random"),
    "apps/platform/src/trading_platform/demo/people.py": (
        "keeps their passwords in a private file",
        *(".read_text", ".write_text", ".touch", ".exists"),
    ),
    "apps/platform/src/trading_platform/bench/commands.py": (
        "what is measured lives in a folder of its own",
        "tempfile.TemporaryDirectory",
    ),
    "apps/platform/src/trading_platform/bench/process.py": ("reads what the kernel counts of a process", ".read_text"),
    "apps/platform/src/trading_platform/replay_commands.py": (
        "the platform of a replay lives in a folder of its own",
        "tempfile.TemporaryDirectory",
    ),
    "services/user-service/src/user_service/private_store.py": (
        "makes its file private before SQLite writes",
        *("os.open", ".chmod", ".mkdir", ".exists", "sqlite3.connect"),
    ),
    "services/user-service/src/user_service/service.py": ("makes its folder private", ".mkdir"),
}

# Numbers are exact everywhere. A float is seconds or a ratio, and its name says so; else its file stands here.
FLOAT_NAMES = ("_s", "_s_max", "_s_min", "_ms", "seconds", "_per_second", "_ratio", "timeout")
FLOAT_CALLS = frozenset(["sleep", "observe", "wait_for", "stop"])
NANOSECONDS = (1e9, 1e6)  # in a second, in a millisecond
FLOAT_ALLOWED: Mapping[str, str] = {
    "libs/kernel/src/kernel/telemetry.py": "buckets of seconds",
    "libs/kernel/src/kernel/settings.py": "bounds of times in seconds",
    "libs/kernel/src/kernel/simulation/loop.py": "asyncio's clock counts seconds",
    "libs/kernel/src/kernel/simulation/runtime.py": "chance",
    "services/api-gateway/src/api_gateway/auth.py": "the NumericDate of a token (RFC 7519) may have a fraction",
}


def function_length(tree: Tree) -> Iterator[Problem]:
    for path, module in python(tree):
        for node in ast.walk(module):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield Problem(path, node.lineno, f"{node.name} has {lines} lines, at most {FUNCTION_LINES_MAX}")


def package_files(tree: Tree) -> Iterator[Problem]:
    """Re-exports drag I/O into pure modules: an __init__.py holds a docstring at most."""
    for path, module in python(tree):
        if name(path) not in ("__init__.py", "__init__.pyi"):
            continue
        for node in module.body:
            if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
                yield Problem(path, node.lineno, "an __init__.py holds a docstring only: import the module by its name")


def runtime_only(tree: Tree) -> Iterator[Problem]:
    for path, module in python(tree):
        if not is_product(path):
            continue
        allowed = frozenset(RUNTIME_ALLOWED.get(path, ())[1:])
        used = list(outside_calls(module))
        for line, what in used:
            if what not in allowed:
                yield Problem(path, line, f"{what}: ask the runtime, so that a simulation can drive it")
        for what in sorted(allowed - {what for _, what in used}):
            yield Problem(path, 1, f"RUNTIME_ALLOWED lets it use {what}, which it does not: remove the entry")
    for path in RUNTIME_ALLOWED:
        if path not in tree:
            yield Problem(path, 1, "RUNTIME_ALLOWED names a file that does not exist: remove the entry")


def outside_calls(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Where the file names something that only the runtime may: (line, dotted name, or .method). A type is no use."""
    names = imported(module)
    types = annotations(module)
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute | ast.Name) and node not in types:
            dotted = dotted_name(node, names)
            if dotted is not None and is_runtime_only(dotted):
                yield node.lineno, dotted
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield from outside_methods(node.func, names)


def outside_methods(called: ast.Attribute, names: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    dotted = dotted_name(called, names)
    of_files = called.attr in RUNTIME_ONLY_METHODS or (called.attr in PATH_METHODS and is_path(called.value))
    if of_files and (dotted is None or not is_runtime_only(dotted)):
        yield called.lineno, f".{called.attr}"
    if called.attr in LOOP_METHODS and is_loop(called.value):
        yield called.lineno, f"loop.{called.attr}"


def annotations(module: ast.Module) -> frozenset[ast.AST]:
    """Everything that stands in the annotation of a variable, an argument or a result."""
    roots: list[ast.expr | None] = []
    for node in ast.walk(module):
        match node:
            case ast.arg() | ast.AnnAssign():
                roots.append(node.annotation)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                roots.append(node.returns)
            case _:
                pass
    return frozenset(inner for root in roots if root is not None for inner in ast.walk(root))


def imported(module: ast.Module) -> dict[str, str]:
    """Local name -> dotted name of what it was imported from; builtins that count stand for themselves."""
    names = {"open": "open"}
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            for alias in node.names:
                local = alias.asname or alias.name.split(".", 1)[0]
                names[local] = alias.name if alias.asname else local
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def dotted_name(node: ast.expr, names: Mapping[str, str]) -> str | None:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in names or isinstance(node.ctx, ast.Store):
        return None
    return ".".join([names[node.id], *reversed(parts)])


def is_runtime_only(dotted: str) -> bool:
    for what in RUNTIME_ONLY:
        if what.endswith(".") and dotted.startswith(what):
            return True
    return dotted in RUNTIME_ONLY


def is_loop(node: ast.expr) -> bool:
    """`asyncio.get_running_loop()`, that of a future, or something that is called loop."""
    spelled = ast.unparse(node)
    return spelled.endswith(("get_running_loop()", "get_loop()")) or last_word(spelled) == "loop"


def is_path(node: ast.expr) -> bool:
    """`Path(…)`, `folder / name`, or something whose name ends in path, file or folder."""
    match node:
        case ast.Call(func=ast.Name(id="Path") | ast.Attribute(attr="Path" | "resolve" | "with_suffix" | "with_name")):
            return True
        case ast.BinOp(op=ast.Div()):
            return True
    return last_word(ast.unparse(node)).endswith(PATH_NAMES)


def last_word(spelled: str) -> str:
    return spelled.rsplit(".", 1)[-1].strip("_")


def floats(tree: Tree) -> Iterator[Problem]:
    for path, module in python(tree):
        if not is_product(path):
            continue
        used = list(nameless_floats(module, named=False))
        if path not in FLOAT_ALLOWED:
            for node in used:
                yield Problem(
                    path, getattr(node, "lineno", 1), "a float: numbers are integers inside, decimals outside"
                )
        elif not used:
            yield Problem(path, 1, "FLOAT_ALLOWED names it, and it holds no float: remove the entry")
    for path in FLOAT_ALLOWED:
        if path not in tree:
            yield Problem(path, 1, "FLOAT_ALLOWED names a file that does not exist: remove the entry")


def nameless_floats(node: ast.AST, named: bool) -> Iterator[ast.expr]:
    """Float literals, conversions and annotations outside of anything whose name says seconds or ratio."""
    named = named or says_seconds(node)
    if isinstance(node, ast.Name) and node.id == "float" and not named:
        yield node
    if isinstance(node, ast.Constant) and isinstance(node.value, float) and not named and node.value not in NANOSECONDS:
        yield node
    for child in ast.iter_child_nodes(node):
        # The name of a function covers what it returns, not what stands in it.
        of_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and child is not node.returns
        yield from nameless_floats(child, named and not of_function)


def says_seconds(node: ast.AST) -> bool:
    match node:
        case ast.arg(arg=str(name)) | ast.keyword(arg=str(name)):
            pass
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
            pass
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            pass
        case ast.Call(func=ast.Attribute(attr=name)):
            return name in FLOAT_CALLS
        case _:
            return False
    return name.lower().endswith(FLOAT_NAMES)


def settings(tree: Tree) -> Iterator[Problem]:
    """Every field of a settings class is followed by a docstring (units, what happens at the edges)."""
    for path, module in python(tree):
        for node in ast.walk(module):
            if isinstance(node, ast.ClassDef) and any(ends_in_settings(base) for base in node.bases):
                yield from undocumented(path, node)


def ends_in_settings(base: ast.expr) -> bool:
    last = base.attr if isinstance(base, ast.Attribute) else base.id if isinstance(base, ast.Name) else ""
    return last == "Settings"


def undocumented(path: str, node: ast.ClassDef) -> Iterator[Problem]:
    for field, following in zip(node.body, [*node.body[1:], None], strict=True):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        documented = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
        if not documented:
            yield Problem(
                path, field.lineno, f"{node.name}.{field.target.id} has no docstring: what is it, in which unit?"
            )
