"""A TFLite model looked through before a runtime gets it: shapes, sizes, operators, and who writes what.

The runtime trusts much of this: a result written over a constant, a shape of 10^18 numbers or an index past the end
make it crash, or read what is not the model's. Field numbers are those of the public schema (schema.fbs, version 3).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from maskwatch.vision.foreign.flatbuffer import MalformedError, Table

VERSION = 3  # of the schema
MOST = 10_000  # entries of a list: tensors, operators, buffers
MAX_DIMENSIONS = 6
MAX_TENSOR = (
    64 << 20
)  # bytes of what a model computes on the way: a picture of 2048 pixels in four bytes a number has 50 MB
# Bytes of a number, by its type in the schema. Half: four bits, two to a byte. Strings, resources and variants are
# absent: no network for pictures has them.
SIZES = {0: 4, 1: 2, 2: 4, 3: 1, 4: 8, 6: 1, 7: 2, 9: 1, 15: 4, 16: 2, 17: 0.5, 18: 2}
INTEGERS = {2: "int32", 3: "uint8", 4: "int64", 7: "int16", 9: "int8", 15: "uint32", 16: "uint16"}
# What networks for pictures are made of. Absent: other people's operators, control flow, and what calls other graphs,
# keeps something from picture to picture or gives results whose size depends on the picture.
# fmt: off
OPERATORS = {
    *range(7), 8, 9, *range(11, 15), *range(17, 24), 25, 26, 28, 34, *range(36, 44), 45, 47, 49, 50, *range(53, 66), 67,
    *range(69, 81), 82, 83, 84, *range(86, 91), 92, 93, *range(97, 103), 104, 106, 111, 114, 116, 117, 123, 126, 130,
    145, 150, 152,
}
# fmt: on


@dataclass(frozen=True, slots=True)
class Tensor:
    """What an operator reads or writes."""

    constant: bool
    size: float  # bytes


def look_through(flatbuffer: bytes) -> None:
    """Refuse a model that no converter makes.

    Raises:
        MalformedError: with what is wrong with it.
    """
    model = Table.root(flatbuffer)
    if model.number(0, "<I") != VERSION:
        raise MalformedError(f"schema version {model.number(0, '<I')}, expected {VERSION}")
    graphs = model.tables(2, MOST)
    if len(graphs) != 1 or model.has(9):
        raise MalformedError(f"{len(graphs)} graphs, expected one, with its numbers in the same file")
    contents = [_content(buffer, len(flatbuffer)) for buffer in model.tables(4, MOST)]
    codes = [_code(code) for code in model.tables(1, MOST)]
    tensors = [_tensor(index, tensor, contents) for index, tensor in enumerate(graphs[0].tables(0, MOST))]
    _follow(graphs[0], tensors, codes)


def _content(buffer: Table, length: int) -> int:
    """Bytes of a buffer. Its content may also lie behind the flatbuffer's own tables, but within the file."""
    offset, size = buffer.number(1, "<Q"), buffer.number(2, "<Q")
    if offset > 1 and offset + size > length:
        raise MalformedError("a buffer lies outside the file")
    return size if offset > 1 else len(buffer.numbers(0, "u1"))


def _code(code: Table) -> int:
    """The operator: older files say it in a byte."""
    kind = max(code.number(0, "<b"), code.number(3, "<i"))
    if kind not in OPERATORS:
        raise MalformedError(f"operator {kind} of the schema, which no network for pictures needs")
    return kind


def _tensor(index: int, tensor: Table, contents: list[int]) -> Tensor:
    shape, kind, buffer = tensor.numbers(0, "<i4"), tensor.number(1, "<b"), tensor.number(2, "<I")
    name = f"tensor {index}"
    if kind not in SIZES:
        raise MalformedError(f"{name} is of type {kind} of the schema")
    if len(shape) > MAX_DIMENSIONS or (shape < 1).any():
        raise MalformedError(f"{name} has the shape {shape[:8].tolist()}")
    if tensor.number(5, "<b") or tensor.has(6) or tensor.has(9) or tensor.number(10, "<I"):
        raise MalformedError(f"{name} is a variable, sparse, or outside the file")
    size = math.prod(shape.tolist()) * SIZES[kind]
    held = contents[buffer] if buffer < len(contents) else -1
    if held < 0 or (held and held != math.ceil(size)):
        raise MalformedError(f"{name} of the shape {shape.tolist()} does not have the numbers it should")
    if not held and size > MAX_TENSOR:
        raise MalformedError(f"{name} of the shape {shape.tolist()} takes {size / (1 << 20):.0f} MiB")
    _demand_scales(name, tensor.table(4), shape.tolist(), kind)
    return Tensor(held > 0, size)


def _demand_scales(name: str, quantization: Table | None, shape: list[int], kind: int) -> None:
    """One scale for all numbers, or one for each channel, none of them zero; zero points within the type."""
    if quantization is None:
        return
    scales, zeros = quantization.numbers(2, "<f4"), quantization.numbers(3, "<i8")
    channel = quantization.number(6, "<i")
    if quantization.has(5):
        raise MalformedError(f"{name} is quantized in its own way")
    if not len(scales):
        return
    channels = shape[channel] if 0 <= channel < len(shape) else 0
    if len(scales) not in (1, channels) or len(zeros) not in (0, 1, len(scales)):
        raise MalformedError(f"{name} has {len(scales)} scales and {len(zeros)} zero points for {channels} channels")
    if not (np.isfinite(scales) & (scales > 0)).all():
        raise MalformedError(f"{name} has a scale that is not above 0")
    if kind in INTEGERS:
        limits = np.iinfo(INTEGERS[kind])
        if len(zeros) and not limits.min <= zeros.min() <= zeros.max() <= limits.max:
            raise MalformedError(f"{name} has a zero point outside its type")


def _follow(graph: Table, tensors: list[Tensor], codes: list[int]) -> None:
    """Each operator reads what is there already and writes what nothing has written."""
    inputs, outputs = (graph.numbers(field, "<i4").tolist() for field in (1, 2))
    if len(inputs) != 1 or not outputs:
        raise MalformedError(f"{len(inputs)} inputs and {len(outputs)} outputs, expected one picture and its answers")
    known = {index for index, tensor in enumerate(tensors) if tensor.constant}
    _write(inputs, known, len(tensors), "the picture")
    written = set()
    for place, operator in enumerate(graph.tables(3, MOST)):
        reads = set(operator.numbers(1, "<i4").tolist()) - {-1}  # -1: left out
        if operator.number(0, "<I") >= len(codes) or operator.has(9) or len(operator.numbers(8, "<i4")):
            raise MalformedError(f"operator {place} is none of the model's")
        if not reads or not reads <= known:
            raise MalformedError(f"operator {place} reads what nobody has written")
        written |= _write(operator.numbers(2, "<i4").tolist(), known, len(tensors), f"operator {place}")
    if not set(outputs) <= written:
        raise MalformedError("an output that nobody writes")


def _write(places: list[int], known: set[int], count: int, writer: str) -> set[int]:
    """Add to what is known what a writer says it writes."""
    new = set(places)
    if not new or len(new) != len(places) or new & known or min(new) < 0 or max(new) >= count:
        raise MalformedError(f"{writer} writes what is not its own")
    known |= new
    return new
