"""Settings: variables by prefix, typing errors refused at start, the command line before the environment."""

import pytest
from pydantic_settings import SettingsConfigDict

from kernel.settings import Settings, SettingsError, load


class OvenSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="OVEN_")

    heat_celsius: int = 180
    """How hot."""
    name: str = "oven"
    """What it is called."""


def test_values_come_from_the_environment_and_overrides_win():
    read = load(OvenSettings, {"OVEN_HEAT_CELSIUS": "200", "OVEN_NAME": "left", "OTHER": "1"}, name="right")
    assert (read.heat_celsius, read.name) == (200, "right")


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"OVEN_HEAT": "200"}, "unknown variable OVEN_HEAT; known are OVEN_HEAT_CELSIUS, OVEN_NAME"),
        ({"OVEN_HEAT_CELSIUS": "hot"}, "OVEN_HEAT_CELSIUS: .*integer.*'hot'"),
    ],
)
def test_a_wrong_variable_is_named(environment, told):
    with pytest.raises(SettingsError, match=told):
        load(OvenSettings, environment)


def test_settings_do_not_change():
    with pytest.raises(ValueError, match="frozen"):
        load(OvenSettings, {}).heat_celsius = 1
