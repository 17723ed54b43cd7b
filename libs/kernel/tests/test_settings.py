"""Settings: variables by prefix, typing errors refused at start, the command line before the environment."""

from typing import Annotated, Self

import pytest
from pydantic import BaseModel, BeforeValidator, Field, model_validator
from pydantic_settings import SettingsConfigDict

from kernel.settings import Settings, SettingsError, load


def listed(value):
    return tuple(value.split(",")) if isinstance(value, str) else value


class Cook(BaseModel):
    key: str = Field(min_length=32)


class OvenSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="OVEN_")

    heat_celsius: int = 180
    """How hot."""
    name: str = "oven"
    """What it is called."""
    trays: Annotated[tuple[str, ...], BeforeValidator(listed)] = ()
    """What is in it."""
    recipe: int = Field(default=0, repr=False)
    """Not for everyone."""
    cooks: dict[str, Cook] = Field(default_factory=dict, repr=False)
    """Who may open it."""

    @model_validator(mode="after")
    def _not_too_hot(self) -> Self:
        if self.name == "little" and self.heat_celsius > 200:
            raise ValueError("a little oven has 200 degrees at most")
        return self


def test_values_come_from_the_environment_and_overrides_win():
    read = load(OvenSettings, {"OVEN_HEAT_CELSIUS": "200", "OVEN_NAME": "left", "OTHER": "1"}, name="right")
    assert (read.heat_celsius, read.name) == (200, "right")


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"OVEN_HEAT": "200"}, "unknown variable OVEN_HEAT; known are OVEN_COOKS, OVEN_HEAT_CELSIUS, OVEN_NAME"),
        ({"OVEN_HEAT_CELSIUS": "hot"}, "OVEN_HEAT_CELSIUS: .*integer.*'hot'"),
    ],
)
def test_a_wrong_variable_is_named(environment, told):
    with pytest.raises(SettingsError, match=told):
        load(OvenSettings, environment)


def test_a_list_is_read_from_the_environment_of_the_process(monkeypatch):
    monkeypatch.setenv("OVEN_TRAYS", "bread,cake")
    assert load(OvenSettings).trays == ("bread", "cake")
    assert OvenSettings().trays == ()


SECRET = "hunter2-hunter2"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"recipe": SECRET}, "OVEN_RECIPE: .*integer.*its value is secret"),
        ({"cooks": {"ada": {"key": SECRET}}}, "OVEN_COOKS: .*32 characters.*its value is secret"),
        ({"cooks": {SECRET: {}}}, "OVEN_COOKS: Field required.*its value is secret"),
        ({"name": "little", "heat_celsius": 300, "recipe": 5309671}, "OVEN_…: .*200 degrees at most"),
    ],
)
def test_the_value_of_a_secret_is_never_told(given, told):
    with pytest.raises(SettingsError, match=told) as error:
        load(OvenSettings, {}, **given)
    assert not any(secret in str(error.value) for secret in (SECRET, "5309671"))
    assert "5309671" not in repr(OvenSettings(recipe=5309671))


def test_settings_do_not_change():
    with pytest.raises(ValueError, match="frozen"):
        load(OvenSettings, {}).heat_celsius = 1
