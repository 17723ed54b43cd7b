"""Settings: one frozen class a service, read once at start from the environment.

A variable that starts with the service's prefix and that no field knows is a typing error: it is refused at start.
"""

import os
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

S = TypeVar("S", bound="Settings")

# Every number has bounds: one that is none, or makes no sense, is refused at start and not found out later.
Count = Annotated[int, Field(ge=1, le=1_000_000_000)]
Seconds = Annotated[int, Field(ge=1, le=31_536_000)]
Bytes = Annotated[int, Field(ge=256, le=1 << 30)]
Moment = Annotated[float, Field(ge=0.001, le=3_600, allow_inf_nan=False)]
"""Seconds, and parts of one."""


class SettingsError(Exception):
    """Says which variable is wrong, what was expected, and what came, unless that is a secret."""


class Settings(BaseSettings):
    """Subclasses set `env_prefix`, give every field a default, a docstring and a unit in its name.

    A field that holds a secret says `repr=False`: its value is neither printed nor told in an error."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is given: `load` reads the environment. The base class would read it again, and lists in its own
        way."""
        return (init_settings,)


def load(settings: type[S], environment: Mapping[str, str] | None = None, **overrides: Any) -> S:
    """Build `settings` from variables with its prefix; `overrides` win (the command line's)."""
    given = os.environ if environment is None else environment
    prefix = str(settings.model_config.get("env_prefix", "")).upper()
    values: dict[str, object] = {}
    for name, value in given.items():
        if not name.upper().startswith(prefix):
            continue
        field = name[len(prefix) :].lower()
        if field not in settings.model_fields:
            known = ", ".join(sorted(prefix + known.upper() for known in settings.model_fields))
            raise SettingsError(f"unknown variable {name}; known are {known}")
        values[field] = value
    try:
        return settings.model_validate(values | overrides)
    except ValidationError as error:
        raise SettingsError("; ".join(_wrong(settings, prefix, at) for at in error.errors())) from None


def _wrong(settings: type[Settings], prefix: str, at: ErrorDetails) -> str:
    """One error: which variable, what was expected and what came; of a secret, where in it, and never what came."""
    told = at["msg"].removeprefix("Value error, ")
    if not at["loc"]:
        return f"{prefix}…: {told}"  # about several together, and some may be secret
    name, *below = (str(part) for part in at["loc"])
    field = settings.model_fields.get(name)
    if field is None or not field.repr:
        return f"{prefix}{name.upper()}: {told} (its value is secret and not shown)"
    return f"{'.'.join([prefix + name.upper(), *below])}: {told}, got {at['input']!r}"
