"""Checks the structure of a TFLite model before a runtime opens it: shapes, sizes, operators, and what they write.

The runtime does not check all of this. A result that overwrites a constant, a shape of 10^18 numbers or an index past
the end make it crash, or read memory outside the model. Field numbers are those of the public schema (schema.fbs,
version 3).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from maskwatch.vision.foreign.flatbuffer import MalformedError, Table

VERSION = 3  # of the schema
MOST = 10_000  # entries of a list: tensors, operators, buffers
MAX_DIMENSIONS = 6
MAX_TENSOR = 64 << 20  # bytes of an intermediate result; a picture of 2048×2048 pixels with 4 bytes a number has 50 MB
# Bytes of a number, by its type in the schema; 0.5: four bits. Strings, resources and variants are missing, because no
# network for pictures needs them.
SIZES = {0: 4, 1: 2, 2: 4, 3: 1, 4: 8, 6: 1, 7: 2, 9: 1, 15: 4, 16: 2, 17: 0.5, 18: 2}
INTEGERS = {2: "int32", 3: "uint8", 4: "int64", 7: "int16", 9: "int8", 15: "uint32", 16: "uint16"}
# Operators that networks for pictures need. Missing are custom operators, control flow, and operators that call other
# graphs, keep a state between pictures, or give results whose size depends on the picture.
# fmt: off
OPERATORS = {
    *range(7), 8, 9, *range(11, 15), *range(17, 24), 25, 26, 28, 34, *range(36, 44), 45, 47, 49, 50, *range(53, 66), 67,
    *range(69, 81), 82, 83, 84, *range(86, 91), 92, 93, *range(97, 103), 104, 106, 111, 114, 116, 117, 123, 126, 130,
    145, 150, 152,
}
# fmt: on


@dataclass(frozen=True, slots=True)
class Tensor:
    """An array that an operator reads or writes."""

    constant: bool
    size: float  # bytes


def look_through(flatbuffer: bytes) -> None:
    """Check a model.

    Raises:
        MalformedError: it has a structure that no converter makes; the message says which.
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
    """Size of a buffer in bytes. Its content may be outside the flatbuffer's tables, but must be inside the file."""
    offset, size = buffer.number(1, "<Q"), buffer.number(2, "<Q")
    if offset > 1 and offset + size > length:
        raise MalformedError("a buffer lies outside the file")
    return size if offset > 1 else len(buffer.numbers(0, "u1"))


def _code(code: Table) -> int:
    """The number of an operator; older files store it in one byte."""
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
    """Check that there is one scale, or one for each channel, all above 0, and that zero points fit into the type."""
    if quantization is None:
        return
    scales, zeros = quantization.numbers(2, "<f4"), quantization.numbers(3, "<i8")
    channel = quantization.number(6, "<i")
    if quantization.has(5):
        raise MalformedError(f"{name} has a custom quantization")
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
    """Check that each operator reads only what exists already, and writes only what was not written before."""
    inputs, outputs = (graph.numbers(field, "<i4").tolist() for field in (1, 2))
    if len(inputs) != 1 or not outputs:
        raise MalformedError(f"{len(inputs)} inputs and {len(outputs)} outputs, expected one picture and its answers")
    known = {index for index, tensor in enumerate(tensors) if tensor.constant}
    _write(inputs, known, len(tensors), "the picture")
    written = set()
    for number, operator in enumerate(graph.tables(3, MOST)):
        reads = set(operator.numbers(1, "<i4").tolist()) - {-1}  # -1: an optional input that is not used
        if operator.number(0, "<I") >= len(codes) or operator.has(9) or len(operator.numbers(8, "<i4")):
            raise MalformedError(f"operator {number} is not defined in the model")
        if not reads or not reads <= known:
            raise MalformedError(f"operator {number} reads a tensor that was not written before")
        written |= _write(operator.numbers(2, "<i4").tolist(), known, len(tensors), f"operator {number}")
    if not set(outputs) <= written:
        raise MalformedError("an output that no operator writes")


def _write(indices: list[int], known: set[int], count: int, writer: str) -> set[int]:
    """Add the tensors that a writer writes to `known`, and return them."""
    new = set(indices)
    if not new or len(new) != len(indices) or new & known or min(new) < 0 or max(new) >= count:
        raise MalformedError(f"{writer} writes a tensor that it must not write")
    known |= new
    return new
