"""The base class of all records, and how a record is read from a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from maskwatch.errors import MaskwatchError

Number = int | float
"""A JSON number. Pydantic keeps 1 and 1.0 different, so a file that is read and written again stays the same."""
Interval = tuple[Number, Number]
"""Lower and upper end of a 95 % interval."""


class Record(BaseModel):
    """A record as it lies in a JSON file. Unknown keys are errors, so that a renamed key is noticed by its reader.

    A field with a default may be missing in the file: older versions of maskwatch did not write it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    CALLED: ClassVar[str] = "record"
    """What an error message calls the file."""

    def as_json(self) -> dict[str, Any]:
        """The record ready for json.dumps: only the fields that were given, in the order of the schema."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)

    def line(self) -> str:
        """The record as one line of JSON, without the line's end."""
        return json.dumps(self.as_json())

    @classmethod
    def read(cls, path: Path, remedy: str, error: type[MaskwatchError] = MaskwatchError) -> Self:
        """Read one record from a JSON file.

        Args:
            path: the file.
            remedy: ends the error message: how to make the file again.
            error: the class of the error that is raised.

        Raises:
            MaskwatchError: the file is missing, is not JSON, or does not fit the schema.
        """
        return cls.parsed(cls._content(path, error, remedy), str(path), remedy, error)

    @classmethod
    def read_lines(cls, path: Path, remedy: str) -> list[Self]:
        """Read a file that holds one record a line (.jsonl).

        Raises:
            MaskwatchError: as read().
        """
        lines = cls._content(path, MaskwatchError, remedy).splitlines()
        return [cls.parsed(line, f"{path}:{number}", remedy) for number, line in enumerate(lines, 1)]

    @classmethod
    def parsed(cls, text: str, origin: str, remedy: str, error: type[MaskwatchError] = MaskwatchError) -> Self:
        """The record in a JSON text.

        Args:
            text: JSON.
            origin: begins the error message: file, or file and line.
            remedy, error: as for read().

        Raises:
            MaskwatchError: the text is not JSON, or does not fit the schema.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as found:
            first = found.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the file"
            raise error(f"{cls.CALLED} {origin}: {where}: {first['msg']}; {remedy}") from found

    @classmethod
    def _content(cls, path: Path, error: type[MaskwatchError], remedy: str) -> str:
        try:
            return path.read_text(encoding="utf-8")
        except OSError as found:
            raise error(f"{cls.CALLED} {path}: {found.strerror}; {remedy}") from found
        except UnicodeDecodeError as found:
            raise error(f"{cls.CALLED} {path}: {found}; {remedy}") from found
