"""Puts the user service together."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from grpc.aio import Channel

from kernel.eventlog.port import EventLog
from kernel.projection import Projection, View, ViewStore
from kernel.rpc import Registrar
from kernel.runtime import Runtime
from kernel.service import Service
from kernel.telemetry import Metrics
from trading.v1.engine_pb2_grpc import EngineServiceStub
from trading.v1.user_pb2_grpc import add_UserServiceServicer_to_server
from user_service import events, private_store
from user_service.api_keys import ApiKeys
from user_service.clients import clients_of
from user_service.codes import Codes
from user_service.directory import Directory
from user_service.erasure import Erasure
from user_service.first_administrator import FirstAdministrator
from user_service.journal import Journal
from user_service.lost_persons import Fit
from user_service.pages import Pages
from user_service.password_change import PasswordChanges
from user_service.password_choices import PasswordChoices
from user_service.private_store import PrivateStore
from user_service.process import open_accounts
from user_service.provider import provider
from user_service.realm import Realm
from user_service.revocations import Revocations
from user_service.rpc import UserRpc
from user_service.sessions import Sessions
from user_service.settings import UserServiceSettings
from user_service.sign_in import SignIn
from user_service.signing import SigningKeys
from user_service.tokens import Tokens
from user_service.views import UsersView

UPKEEP_S = 600.0
USERS_FILE = "users.db"
# The read models by file: who rebuilds them from the log must get the same rows.
VIEWS: Mapping[str, Callable[[], View]] = {USERS_FILE: UsersView}


def build(
    runtime: Runtime,
    log: EventLog,
    channels: Callable[[str], Channel],
    settings: UserServiceSettings,
    folder: Path | None,
    metrics: Metrics,
) -> Service:
    """folder: where `users.db` (rebuildable) and `private.db` (not rebuildable: back it up) live; None: in memory.
    ValueError names settings that do not fit together."""
    if folder is not None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    view = UsersView()
    rows = ViewStore(view, folder / USERS_FILE if folder else None)
    projection = Projection(runtime, log, rows)
    store = PrivateStore(folder / "private.db" if folder else None)
    journal = Journal(runtime, log)
    directory = Directory(runtime, journal, projection, view, store, settings)
    api_keys = ApiKeys(runtime, directory, journal, projection, view)
    realm = realm_of(runtime, settings, directory, store)
    first = FirstAdministrator(runtime, directory, settings)
    fit = Fit(runtime, log, projection, store, is_accepted=settings.accept_lost_persons)
    token_ns = settings.access_token_s * 1_000_000_000
    revocations = Revocations(runtime, log, projection, view, realm.sessions, token_ns)
    erasure = Erasure(runtime, journal, projection, view, directory, realm.sessions, realm.password_changes)
    rpc = UserRpc(log, directory, api_keys, realm.password_changes, erasure, revocations)
    upkeep = partial(_upkeep, realm, journal, first, fit, erasure)
    covered = metrics.view_position.labels(events.ROLE, view.name)
    projection.on_commit.append(lambda batch: covered.set(batch[-1].position))

    async def accounts() -> None:
        await open_accounts(runtime, log, EngineServiceStub(channels("trading-engine")))

    async def ready() -> str | None:
        if not journal.acquired:
            return "waiting to become the log's writer of users"
        if not fit.is_known:
            return "looking whether the private store is the log's"
        if first.waits:
            return "making the first administrator"
        head = await log.head()
        behind = head - projection.position
        return f"the users view is {behind} events behind" if behind > settings.behind_events_max else None

    async def close() -> None:
        await projection.close()
        await runtime.in_thread(private_store.LANE, store.close)

    def register(registrar: Registrar) -> None:
        add_UserServiceServicer_to_server(rpc, registrar)  # type: ignore[arg-type]

    return Service(
        name=events.ROLE,
        register=register,
        mains={"view": projection.run, "accounts": accounts, "upkeep": upkeep},
        ready=ready,
        close=close,
        http=provider(realm),
    )


async def _upkeep(realm: Realm, journal: Journal, first: FirstAdministrator, fit: Fit, erasure: Erasure) -> None:
    runtime, store = realm.runtime, realm.store
    await journal.acquire_when_there()
    await fit.check()
    await first.make()
    while True:
        await erasure.finish()
        await runtime.in_thread(private_store.LANE, store.purge, runtime.now_ns())
        await runtime.in_thread(private_store.LANE, realm.keys.keep_fresh)
        await runtime.sleep(UPKEEP_S)


def realm_of(runtime: Runtime, settings: UserServiceSettings, directory: Directory, store: PrivateStore) -> Realm:
    """The identity provider's parts."""
    keys = SigningKeys(runtime, store, settings)
    sessions = Sessions(runtime, store, settings)
    return Realm(
        runtime=runtime,
        settings=settings,
        clients=clients_of(settings),
        directory=directory,
        sign_in=SignIn(runtime, directory, store, settings),
        password_changes=PasswordChanges(runtime, directory, store, sessions, settings),
        password_choices=PasswordChoices(runtime),
        store=store,
        sessions=sessions,
        codes=Codes(runtime, settings.code_s),
        keys=keys,
        tokens=Tokens(runtime, keys, settings),
        pages=Pages(settings),
    )
