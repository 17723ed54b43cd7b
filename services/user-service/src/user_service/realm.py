"""The parts that the endpoints of the identity provider work with."""

from dataclasses import dataclass

from kernel.runtime import Runtime
from user_service.clients import Client
from user_service.codes import Codes
from user_service.directory import Directory
from user_service.pages import Pages
from user_service.password_change import PasswordChanges
from user_service.password_choices import PasswordChoices
from user_service.private_store import PrivateStore
from user_service.sessions import Sessions
from user_service.settings import UserServiceSettings
from user_service.sign_in import SignIn
from user_service.signing import SigningKeys
from user_service.tokens import Tokens


@dataclass(frozen=True)
class Realm:
    runtime: Runtime
    settings: UserServiceSettings
    clients: dict[str, Client]
    directory: Directory
    sign_in: SignIn
    password_changes: PasswordChanges
    password_choices: PasswordChoices
    store: PrivateStore
    sessions: Sessions
    codes: Codes
    keys: SigningKeys
    tokens: Tokens
    pages: Pages
