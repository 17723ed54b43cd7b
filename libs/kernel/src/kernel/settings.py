"""Settings: one frozen class a service, read once at start from the environment.

A variable that starts with the service's prefix and that no field knows is a typing error: it is refused at start.
"""

import os
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

S = TypeVar("S", bound="Settings")


class SettingsError(Exception):
    """Says which variable is wrong, what was expected, and what came."""


class Settings(BaseSettings):
    """Subclasses set `env_prefix`, give every field a default, a docstring and a unit in its name."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


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
        told = "; ".join(
            f"{prefix}{str(at['loc'][0]).upper()}: {at['msg']}, got {at['input']!r}" for at in error.errors()
        )
        raise SettingsError(told) from None
