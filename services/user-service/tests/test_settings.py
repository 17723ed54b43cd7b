"""Settings come from the environment, and a wrong one is told before anything starts."""

import pytest

from kernel.settings import SettingsError, load
from user_service.clients import clients_of, origins_of
from user_service.settings import UserServiceSettings


def loaded(**variables):
    return load(UserServiceSettings, {f"USER_SERVICE_{name.upper()}": value for name, value in variables.items()})


def test_lists_and_clients_are_read_from_text():
    settings = loaded(
        public_url="https://venue.example",
        self_registration_roles="USER",
        web_redirect_uris="http://localhost:4200/signed-in, app://signed-in",
        confidential_clients='{"robot": {"secret": "' + "s" * 32 + '", "roles": ["USER"]}}',
    )
    assert settings.issuer == "https://venue.example/realms/trading-platform" and settings.secure
    assert settings.self_registration_roles == ("USER",)
    web = clients_of(settings)["trading-web"]
    assert web.redirect_uris == (
        "https://venue.example/signed-in", "http://localhost:4200/signed-in", "app://signed-in"
    )  # fmt: skip
    assert "http://localhost:4200" in origins_of(settings)
    assert clients_of(settings)["robot"].has_secret("s" * 32)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("public_url", "venue.example"),
        ("public_url", "https://venue.example/"),
        ("self_registration_roles", "USER,ROOT"),
        ("access_token_s", "0"),
        ("confidential_clients", '{"robot": {"secret": "short", "roles": ["USER"]}}'),
        ("confidential_clients", "{"),
        ("colour", "blue"),
    ],
)
def test_a_wrong_setting_is_told(name, value):
    with pytest.raises(SettingsError, match=name.upper()):
        loaded(**{name: value})


def test_a_confidential_client_does_not_take_a_public_name():
    settings = loaded(confidential_clients='{"trading-cli": {"secret": "' + "s" * 32 + '", "roles": []}}')
    with pytest.raises(ValueError, match="trading-cli"):
        clients_of(settings)


@pytest.mark.parametrize(
    ("public_url", "redirect_uris"),
    [
        ("http://127.0.0.1:8080", ("http://127.0.0.1:8080/signed-in", "http://localhost:8080/signed-in")),
        ("http://localhost", ("http://localhost/signed-in", "http://127.0.0.1/signed-in")),
        ("https://venue.example", ("https://venue.example/signed-in",)),
    ],
)
def test_on_ones_own_machine_both_names_are_the_platform(public_url, redirect_uris):
    settings = loaded(public_url=public_url)
    assert clients_of(settings)["trading-web"].redirect_uris == redirect_uris
    assert origins_of(settings) == tuple(uri.removesuffix("/signed-in") for uri in redirect_uris)
