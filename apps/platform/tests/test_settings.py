"""What `trading up` refuses before it starts anything."""

import pytest

from kernel.settings import SettingsError, load
from trading_platform.platform import SERVICES, check_reach, chosen, parse_peers, settings_class
from trading_platform.settings import PlatformSettings


@pytest.mark.parametrize(
    ("address", "token", "open_beyond"),
    [
        ("", "", False),
        ("127.0.0.1:9090", "", False),
        ("localhost:9090", "", False),
        ("[::1]:9090", "", False),
        ("0.0.0.0:9090", "", True),
        ("[::]:9090", "", True),
        ("10.0.0.5:9090", "", True),
        ("0.0.0.0:9090", "a secret of the cluster", False),
    ],
)
def test_an_interface_open_beyond_this_machine_needs_a_token(address, token, open_beyond):
    settings = PlatformSettings(grpc=address, grpc_token=token)
    if open_beyond:
        with pytest.raises(ValueError, match="TRADING_PLATFORM_GRPC_TOKEN"):
            check_reach(settings)
    else:
        check_reach(settings)


def test_services_are_chosen_by_name_and_started_callees_first():
    assert chosen(PlatformSettings(services="order-service, trading-engine")) == ("trading-engine", "order-service")
    with pytest.raises(ValueError, match="there is no service 'engine'"):
        chosen(PlatformSettings(services="engine"))


@pytest.mark.parametrize("text", ["order-service", "order-service=nowhere", "somebody=127.0.0.1:1"])
def test_a_peer_without_an_address_is_refused(text):
    with pytest.raises(ValueError, match="expected <service>=<host>:<port>"):
        parse_peers(text)


SECRET_WORDS = ("secret", "token", "password", "private", "pem", "clients")
# Fields that such a word does not make a secret.
OPEN = {"access_token_s", "one_time_password_s", "password_queue_max", "password_grant_clients"}
OPEN |= {"rate_limit_tokens", "rate_limit_refill_tokens", "remembered_tokens_max"}
CLASSES = [PlatformSettings, *(settings_class(name) for name in SERVICES)]


@pytest.mark.parametrize("settings", CLASSES, ids=lambda settings: settings.__name__)
def test_secrets_are_not_shown(settings):
    shown = {name for name, field in settings.model_fields.items() if field.repr}
    assert {name for name in shown if any(word in name for word in SECRET_WORDS)} <= OPEN


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("USER_SERVICE_CONFIDENTIAL_CLIENTS", '{"robot": {"secret": "hunter2", "roles": ["USER"]}}'),
        ("USER_SERVICE_CONFIDENTIAL_CLIENTS", '{"robot": "hunter2"'),
        ("USER_SERVICE_CONFIDENTIAL_CLIENTS", '{"robot": {"secret": 1, "hunter2": 2}}'),
    ],
)
def test_a_wrong_secret_is_not_printed(variable, value):
    with pytest.raises(SettingsError, match=variable) as error:
        load(settings_class("user-service"), {variable: value})
    assert "hunter2" not in str(error.value)


NUMBERS = [
    (settings, name)
    for settings in (*map(settings_class, SERVICES), PlatformSettings)
    for name, field in settings.model_fields.items()
    if field.annotation in (int, float)
]


@pytest.mark.parametrize("given", ["-1", "nan", "inf", "1e400", "9" * 25, "x", ""])
@pytest.mark.parametrize(("settings", "name"), NUMBERS, ids=lambda value: value if isinstance(value, str) else "")
def test_every_number_has_bounds_and_is_refused_by_its_variable(settings, name, given):
    variable = settings.model_config["env_prefix"] + name.upper()
    with pytest.raises(SettingsError, match=f"^{variable}: "):
        load(settings, {variable: given})


@pytest.mark.parametrize("variable", ["API_GATEWAY_STREAM_HEARTBEAT_S", "API_GATEWAY_BODY_TIMEOUT_S"])
def test_a_time_is_never_nothing(variable):
    with pytest.raises(SettingsError, match=variable):
        load(settings_class("api-gateway"), {variable: "0"})


@pytest.mark.parametrize("issuer", ["", "localhost", "ftp://a.example", "https://a.example/a b"])
def test_an_issuer_is_a_url(issuer):
    with pytest.raises(SettingsError, match="API_GATEWAY_ISSUER"):
        load(settings_class("api-gateway"), {"API_GATEWAY_ISSUER": issuer})
