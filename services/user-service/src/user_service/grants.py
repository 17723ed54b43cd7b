"""What someone granted to a client by signing in: the content of an authorization code and of a refresh token."""

from typing import Literal, NamedTuple


class Grant(NamedTuple):
    """family: the chain of tokens that one sign-in at one client started, named in its access tokens (`sid`).
    session: hash of the browser's session, empty without a browser. Times in nanoseconds since 1970 UTC."""

    family: str
    session: str
    user_id: str
    client_id: str
    scope: str
    signed_in_at_ns: int
    ends_at_ns: int


class Rotation(NamedTuple):
    outcome: Literal["rotated", "unknown", "expired", "reused"]
    grant: Grant | None = None
