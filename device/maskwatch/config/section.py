"""The base of all sections, and value types that several sections use."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from maskwatch.text.address import CONTROL, at_home


def seconds_or_never(lowest: float, highest: float) -> AfterValidator:
    """Validates a time in seconds: 0 (never), or from `lowest` to `most`. A time close to 0 would do the opposite of
    0."""

    def checked(value: float) -> float:
        if value == 0 or lowest <= value <= highest:
            return value
        raise ValueError(f"found {value:g}, expected {lowest:g} to {highest:g} seconds, or 0 for never")

    return AfterValidator(checked)


def _a_path(text: str) -> str:
    """Check a file's path and expand its ~."""
    if not text or CONTROL.search(text):
        raise ValueError("empty, or with a tab, a line break or a NUL in it; expected a file's path")
    return at_home(text)


PathText = Annotated[str, AfterValidator(_a_path)]


class Section(BaseModel):
    """A table of the file. Unknown keys are refused, values are not converted, and nothing can be changed
    afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)
