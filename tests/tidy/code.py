"""Rules over hand-written Python: function length, package files, what only the runtime may do, and exact numbers."""

import ast
from collections.abc import Iterator, Mapping

from tests.tidy.tree import Problem, Tree, is_product, name, python

FUNCTION_LINES_MAX = 60

# What only the runtime may do. A name that ends with a dot means all of the module.
RUNTIME_ONLY = (
    *("time.", "random.", "secrets.", "uuid_utils.", "uuid.uuid1", "uuid.uuid4", "uuid.uuid7", "os.urandom"),
    *("asyncio.sleep", "asyncio.create_task", "asyncio.ensure_future", "asyncio.to_thread", "asyncio.run"),
    *("asyncio.get_event_loop", "asyncio.new_event_loop"),
    *("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today"),
    *("threading.Thread", "threading.Timer", "concurrent.futures.", "multiprocessing.", "subprocess."),
    *("open", "io.open", "os.open", "tempfile."),
)
RUNTIME_ONLY_METHODS = frozenset(["read_text", "read_bytes", "write_text", "write_bytes"])
# A running loop may be asked for a future; tasks, timers and threads are the runtime's.
LOOP_METHODS = frozenset(["create_task", "call_later", "call_at", "run_in_executor", "time"])
# File -> why, and what it may do of that. An entry that is not needed is a problem too.
RUNTIME_ALLOWED: Mapping[str, tuple[str, ...]] = {
    "libs/kernel/src/kernel/runtime.py": (
        "it is the runtime",
        *("time.time_ns", "time.monotonic_ns", "asyncio.sleep", "os.urandom"),
        *("threading.Thread", "loop.create_task"),
    ),
    "libs/kernel/src/kernel/rpc.py": (
        "a call's task and deadline are the running loop's, and a simulation's where that is simulated",
        *("loop.create_task", "loop.call_at", "loop.time"),
    ),
    "libs/kernel/src/kernel/simulation/loop.py": ("its order comes from the seed", "random.Random"),
    "libs/kernel/src/kernel/simulation/runtime.py": (
        "it is the runtime in a simulation",
        *("random.Random", "asyncio.sleep", "loop.create_task"),
    ),
    "libs/kernel/src/kernel/eventlog/sqlite.py": ("locks and syncs the file that it owns", "os.open"),
    "libs/kernel/src/kernel/eventlog/sqlite_snapshots.py": ("makes its file private before SQLite writes", "os.open"),
    "apps/platform/src/trading_platform/client/session.py": ("keeps a person's tokens in a private file", "os.open"),
    "apps/platform/src/trading_platform/demo.py": (
        "its traders draw from the seed that was given; it keeps what it needs to go on after a restart in one file",
        *("random.Random", ".read_text", ".write_text"),
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
        "os.open",
    ),
}

# Numbers are exact everywhere. A float is seconds or a ratio, and its name says so; else its file stands here.
FLOAT_NAMES = ("_s", "_s_max", "_s_min", "_ms", "seconds", "_per_second", "_ratio", "timeout")
FLOAT_CALLS = frozenset(["sleep", "observe", "wait_for", "stop"])
NANOSECONDS = (1e9, 1e6)  # in a second, in a millisecond
FLOAT_ALLOWED: Mapping[str, str] = {
    "libs/kernel/src/kernel/telemetry.py": "buckets of seconds",
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
    """Where the file names something that only the runtime may: (line, dotted name, or .method)."""
    names = imported(module)
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute | ast.Name):
            dotted = dotted_name(node, names)
            if dotted is not None and is_runtime_only(dotted):
                yield node.lineno, dotted
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            dotted = dotted_name(node.func, names)
            if node.func.attr in RUNTIME_ONLY_METHODS and (dotted is None or not is_runtime_only(dotted)):
                yield node.lineno, f".{node.func.attr}"
            if node.func.attr in LOOP_METHODS and is_loop(node.func.value):
                yield node.lineno, f"loop.{node.func.attr}"


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
    """`asyncio.get_running_loop()`, or something that is called loop."""
    spelled = ast.unparse(node)
    return spelled.endswith("get_running_loop()") or spelled.rsplit(".", 1)[-1].strip("_") == "loop"


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
