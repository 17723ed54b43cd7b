"""What everyone may do without signing in: register, see what is traded, the time, and how to sign in."""

from importlib.metadata import version

import msgspec

from api_gateway.call import Call, Reply, reply
from api_gateway.users import NAME_CHARACTERS_MAX, email_in, password_in
from api_gateway.wire import decoded, text_in, time_text
from trading.v1.user_pb2 import RegisterRequest

VERSION = version("api-gateway")


class Registration(msgspec.Struct, forbid_unknown_fields=True):
    email: str
    name: str
    password: str


class Accepted(msgspec.Struct, frozen=True):
    message: str


class Time(msgspec.Struct, frozen=True):
    time: str


class RateLimit(msgspec.Struct, frozen=True):
    tokens: int
    refill_tokens: int
    refill_seconds: int


class Config(msgspec.Struct, frozen=True):
    name: str
    version: str
    issuer: str
    client_id: str
    audience: str
    rate_limit: RateLimit


_registration = msgspec.json.Decoder(Registration)


async def register(call: Call) -> Reply:
    """POST /public/register: the same answer whether the address is new or not; limited by network address."""
    given = decoded(_registration, call.body)
    await call.platform.users.Register(
        RegisterRequest(
            email=email_in(given.email),
            name=text_in(given.name, "name", NAME_CHARACTERS_MAX),
            password=password_in(given.password),
            client_address=call.address,
        )
    )
    return reply(202, Accepted("If the address is new, it can sign in now."))


async def time(call: Call) -> Reply:
    """GET /public/time"""
    return reply(200, Time(time_text(call.platform.runtime.now_ns())))


async def config(call: Call) -> Reply:
    """GET /public/config"""
    settings = call.platform.settings
    limit = RateLimit(settings.rate_limit_tokens, settings.rate_limit_refill_tokens, settings.rate_limit_refill_s)
    return reply(
        200, Config("Trading platform", VERSION, settings.issuer, settings.client_id, settings.audience, limit)
    )
