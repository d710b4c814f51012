"""A config file and the environment -> settings, or one line that says what to correct."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from pydantic import ValidationError

from maskwatch.config import settings_file
from maskwatch.config.complaint import complaint
from maskwatch.config.settings import Settings
from maskwatch.errors import ConfigError


def default_path() -> Path:
    """The commented config.toml in the package, which is used when no file is named."""
    return Path(str(resources.files("maskwatch") / "config.toml"))


def load(path: Path | None = None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read and check a config file, with the environment's values over it; without a file, the default in the package.

    Raises:
        ConfigError: the file is not TOML, or a key is unknown, of the wrong type or out of range.
        UnreadableConfigError: the file cannot be read now.
    """
    return checked(settings_file.read(path or default_path(), environment))


def checked(source: settings_file.RawSettings, lines: Mapping[settings_file.Place, int] | None = None) -> Settings:
    """The settings that a file and the environment give.

    Args:
        source: what was read.
        lines: of the keys, if `source.path` is not a file of `source.text`, as with a unit file.

    Raises:
        ConfigError: see `load`. The message names the file, the variable, or both if either may be wrong.
    """
    try:
        return Settings.model_validate(source.table)
    except ValidationError as error:
        wrong = complaint(error, Settings)
        raise ConfigError(
            f"{_where(source, wrong.place, lines)}: {wrong.text}"
        ) from None  # pydantic's error shows the value


def _where(
    source: settings_file.RawSettings, place: settings_file.Place, lines: Mapping[settings_file.Place, int] | None
) -> str:
    """What to correct: the file with its line, the variables, or both if both affect the key."""
    line = (settings_file.line_numbers(source.text) if lines is None else lines).get(place)
    file = f"config {source.path}" + (f":{line}" if line else "")
    variables = [settings_file.named(name) for name in source.variables_at(place)]
    of_variables_alone = variables and (source.is_of_variables(place) or (place and not line))
    return " and ".join(variables if of_variables_alone else [file, *variables])
