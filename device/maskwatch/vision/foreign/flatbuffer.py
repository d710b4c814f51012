"""Reads a flatbuffer and checks every offset (flatbuffers.dev/internals), which the library's reader does not do."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


class MalformedError(ValueError):
    """An offset points outside the file, or a length exceeds it."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table. Fields are named by their number in the schema; a missing field has its default value."""

    data: bytes
    start: int  # of the table in the data, bytes
    vtable: int  # start of its vtable in the data, bytes
    fields: int  # number of fields in the vtable

    @classmethod
    def at(cls, data: bytes, start: int) -> Table:
        """The table that starts at an offset in bytes."""
        vtable = start - _number(data, start, "<i")
        size = _number(data, vtable, "<H")
        if size < 4 or size % 2 or vtable + size > len(data):
            raise MalformedError(f"a table at byte {start} is broken")
        return cls(data, start, vtable, (size - 4) // 2)

    @classmethod
    def root(cls, data: bytes) -> Table:
        """The root table of the file."""
        return cls.at(data, _number(data, 0, "<I"))

    def number(self, field: int, form: str = "<i", default: int = 0) -> int:
        """A number; `form` is a format of the module struct."""
        at = self._field(field)
        return default if at is None else _number(self.data, at, form)

    def table(self, field: int) -> Table | None:
        """A table in a field; None: the field is missing."""
        at = self._target(field)
        return None if at is None else Table.at(self.data, at)

    def numbers(self, field: int, kind: DTypeLike) -> NDArray[Any]:
        """(N,) a vector of numbers, as a view without a copy."""
        at, count = self._vector(field, np.dtype(kind).itemsize)
        return np.frombuffer(self.data, kind, count, at)

    def tables(self, field: int, limit: int) -> list[Table]:
        """A vector of tables.

        Raises:
            MalformedError: there are more than `limit`.
        """
        return list(self._each(field, limit))

    def has(self, field: int) -> bool:
        """Whether the field is present."""
        return self._field(field) is not None

    def _each(self, field: int, limit: int) -> Iterator[Table]:
        at, count = self._vector(field, 4)
        if count > limit:
            raise MalformedError(f"{count} entries in a list, expected {limit} at most")
        for entry in range(at, at + 4 * count, 4):
            yield Table.at(self.data, entry + _number(self.data, entry, "<I"))

    def _field(self, field: int) -> int | None:
        offset = _number(self.data, self.vtable + 4 + 2 * field, "<H") if field < self.fields else 0
        return self.start + offset if offset else None

    def _target(self, field: int) -> int | None:
        at = self._field(field)
        return None if at is None else at + _number(self.data, at, "<I")

    def _vector(self, field: int, size: int) -> tuple[int, int]:
        """Start of a vector's entries in bytes, and their number."""
        at = self._target(field)
        if at is None:
            return 0, 0
        count = _number(self.data, at, "<I")
        if at + 4 + count * size > len(self.data):
            raise MalformedError(f"a list at byte {at} is longer than the file")
        return at + 4, count


def _number(data: bytes, at: int, form: str) -> int:
    if not 0 <= at <= len(data) - struct.calcsize(form):
        raise MalformedError(f"an offset leads to byte {at} of {len(data)}")
    return int(struct.unpack_from(form, data, at)[0])
