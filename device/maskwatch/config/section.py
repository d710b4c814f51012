"""What every section of the settings is made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from maskwatch.address import CONTROL, at_home


def seconds_or_never(least: float, most: float) -> AfterValidator:
    """For a time that 0 switches off; a time so short that it is over at once would do something else."""

    def checked(value: float) -> float:
        if value == 0 or least <= value <= most:
            return value
        raise ValueError(f"found {value:g}, expected {least:g} to {most:g} seconds, or 0 for never")

    return AfterValidator(checked)


def _a_path(text: str) -> str:
    """A file's name as it may be in a config: with its ~ written out."""
    if not text or CONTROL.search(text):
        raise ValueError("empty, or with a tab, a line break or a NUL in it; expected a file's path")
    return at_home(text)


PathText = Annotated[str, AfterValidator(_a_path)]


class Section(BaseModel):
    """A table of the file: what is unknown is refused, nothing is converted, nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)
