"""What a .tflite does inside: the type of its input, and whether anything is computed in float."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

OPERATORS = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
TYPES = {code: name for name, code in vars(schema.TensorType).items() if isinstance(code, int)}


@dataclass(frozen=True, slots=True)
class Graph:
    """The facts the gates ask for."""

    input_type: str  # as the schema names it, e.g. UINT8
    input_scale: float
    input_zero_point: int
    output_shapes: tuple[tuple[int, ...], ...]
    float_operators: tuple[str, ...]  # with a float tensor, except a DEQUANTIZE that ends in an output

    @property
    def eats_camera_bytes(self) -> bool:
        """Whether a camera's 0–255 go in unchanged."""
        return (self.input_type, self.input_scale, self.input_zero_point) == ("UINT8", 1.0, 0)


def inspect(flatbuffer: bytes) -> Graph:
    """Read the facts from a model of one subgraph and one input."""
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(flatbuffer))
    subgraph = model.subgraphs[0]
    entry = subgraph.tensors[subgraph.inputs[0]]
    quantized = entry.quantization is not None and entry.quantization.scale is not None
    return Graph(
        input_type=TYPES[entry.type],
        input_scale=float(entry.quantization.scale[0]) if quantized else 0.0,
        input_zero_point=int(entry.quantization.zeroPoint[0]) if quantized else 0,
        output_shapes=tuple(tuple(int(n) for n in subgraph.tensors[i].shape) for i in subgraph.outputs),
        float_operators=tuple(_float_operators(model, subgraph)),
    )


def _float_operators(model: Any, subgraph: Any) -> list[str]:
    names = []
    for operator in subgraph.operators:
        name = OPERATORS[model.operatorCodes[operator.opcodeIndex].builtinCode]
        if name == "DEQUANTIZE" and all(index in subgraph.outputs for index in operator.outputs):
            continue
        tensors = [index for index in (*operator.inputs, *operator.outputs) if index >= 0]
        if any(TYPES[subgraph.tensors[index].type].startswith("FLOAT") for index in tensors):
            names.append(name)
    return names
