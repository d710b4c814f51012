"""A flatbuffer read with every offset checked (flatbuffers.dev/internals). The library's own reader checks none."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


class MalformedError(ValueError):
    """Something points outside the file, or is longer than it."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table: fields by their place in the schema. What is not there reads as its default, as everywhere."""

    data: bytes
    place: int  # of the table in the data, bytes
    vtable: int
    fields: int  # how many the vtable knows

    @classmethod
    def at(cls, data: bytes, place: int) -> Table:
        """The table that begins at a place."""
        vtable = place - _number(data, place, "<i")
        size = _number(data, vtable, "<H")
        if size < 4 or size % 2 or vtable + size > len(data):
            raise MalformedError(f"a table at byte {place} is broken")
        return cls(data, place, vtable, (size - 4) // 2)

    @classmethod
    def root(cls, data: bytes) -> Table:
        """The table that the whole file is."""
        return cls.at(data, _number(data, 0, "<I"))

    def number(self, field: int, form: str = "<i", default: int = 0) -> int:
        """A number; `form` as in the module struct."""
        place = self._field(field)
        return default if place is None else _number(self.data, place, form)

    def table(self, field: int) -> Table | None:
        """A table within."""
        place = self._target(field)
        return None if place is None else Table.at(self.data, place)

    def numbers(self, field: int, kind: DTypeLike) -> NDArray[Any]:
        """(N,) a vector of numbers, not copied."""
        place, count = self._vector(field, np.dtype(kind).itemsize)
        return np.frombuffer(self.data, kind, count, place)

    def tables(self, field: int, limit: int) -> list[Table]:
        """A vector of tables, of so many at most."""
        return list(self._each(field, limit))

    def has(self, field: int) -> bool:
        """Whether the field is there at all."""
        return self._field(field) is not None

    def _each(self, field: int, limit: int) -> Iterator[Table]:
        place, count = self._vector(field, 4)
        if count > limit:
            raise MalformedError(f"{count} entries in a list, expected {limit} at most")
        for at in range(place, place + 4 * count, 4):
            yield Table.at(self.data, at + _number(self.data, at, "<I"))

    def _field(self, field: int) -> int | None:
        offset = _number(self.data, self.vtable + 4 + 2 * field, "<H") if field < self.fields else 0
        return self.place + offset if offset else None

    def _target(self, field: int) -> int | None:
        place = self._field(field)
        return None if place is None else place + _number(self.data, place, "<I")

    def _vector(self, field: int, size: int) -> tuple[int, int]:
        """Where the entries of a vector begin, and how many there are."""
        place = self._target(field)
        if place is None:
            return 0, 0
        count = _number(self.data, place, "<I")
        if place + 4 + count * size > len(self.data):
            raise MalformedError(f"a list at byte {place} is longer than the file")
        return place + 4, count


def _number(data: bytes, place: int, form: str) -> int:
    if not 0 <= place <= len(data) - struct.calcsize(form):
        raise MalformedError(f"an offset leads to byte {place} of {len(data)}")
    return int(struct.unpack_from(form, data, place)[0])
