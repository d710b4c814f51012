"""What every section of the settings is made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from maskwatch.address import CONTROL, at_home

Seconds = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]


def _a_path(text: str) -> str:
    """A file's name as it may be in a config: with its ~ written out."""
    if not text or CONTROL.search(text):
        raise ValueError("empty, or with a tab, a line break or a NUL in it; expected a file's path")
    return at_home(text)


PathText = Annotated[str, AfterValidator(_a_path)]


class Section(BaseModel):
    """A table of the file: what is unknown is refused, nothing is converted, nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)
