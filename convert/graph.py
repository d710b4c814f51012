"""The inside of a .tflite: the type of its input, its operators, and whether anything is computed in float."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tensorflow.lite.python import schema_py_generated as schema

from convert import packing

OPERATORS = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
TYPES = {code: name for name, code in vars(schema.TensorType).items() if isinstance(code, int)}


@dataclass(frozen=True, slots=True)
class FloatOperator:
    """An operator that reads or writes float."""

    operator: str  # its name in the schema, e.g. CONV_2D
    tensor: str  # the name of its output


@dataclass(frozen=True, slots=True)
class Graph:
    """What the gates need to know."""

    input_type: str  # its name in the schema, e.g. UINT8
    input_scale: float
    input_zero_point: int
    output_shapes: tuple[tuple[int, ...], ...]
    operators: Mapping[str, int]  # name -> how many
    in_float: tuple[FloatOperator, ...]  # except a DEQUANTIZE that makes an output

    @property
    def eats_camera_bytes(self) -> bool:
        """Whether the camera's values 0–255 go in unchanged."""
        return (self.input_type, self.input_scale, self.input_zero_point) == ("UINT8", 1.0, 0)

    @property
    def float_operators(self) -> tuple[str, ...]:
        """The names of the operators that read or write float."""
        return tuple(each.operator for each in self.in_float)

    def unasked(self, keep_float: tuple[str, ...]) -> tuple[FloatOperator, ...]:
        """Float operators that `keep_float` does not explain; conversions next to the kept ones belong to them."""
        if not keep_float:
            return self.in_float
        return tuple(
            each
            for each in self.in_float
            if each.operator not in ("QUANTIZE", "DEQUANTIZE") and not any(part in each.tensor for part in keep_float)
        )


def inspect(flatbuffer: bytes) -> Graph:
    """Read the facts from a model of one subgraph and one input."""
    model = packing.unpack(flatbuffer)
    subgraph = model.subgraphs[0]
    entry = subgraph.tensors[subgraph.inputs[0]]
    quantized = entry.quantization is not None and entry.quantization.scale is not None
    return Graph(
        input_type=TYPES[entry.type],
        input_scale=float(entry.quantization.scale[0]) if quantized else 0.0,
        input_zero_point=int(entry.quantization.zeroPoint[0]) if quantized else 0,
        output_shapes=tuple(tuple(int(n) for n in subgraph.tensors[i].shape) for i in subgraph.outputs),
        operators=dict(Counter(_name(model, operator) for operator in subgraph.operators).most_common()),
        in_float=tuple(_in_float(model, subgraph)),
    )


def _in_float(model: Any, subgraph: Any) -> Iterator[FloatOperator]:
    for operator in subgraph.operators:
        name = _name(model, operator)
        if name == "DEQUANTIZE" and all(index in subgraph.outputs for index in operator.outputs):
            continue
        tensors = [index for index in (*operator.inputs, *operator.outputs) if index >= 0]
        if any(TYPES[subgraph.tensors[index].type].startswith("FLOAT") for index in tensors):
            yield FloatOperator(name, subgraph.tensors[operator.outputs[0]].name.decode())


def _name(model: Any, operator: Any) -> str:
    return OPERATORS[model.operatorCodes[operator.opcodeIndex].builtinCode]
