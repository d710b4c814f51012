"""The two ends of an integer model: bytes as input, bytes as output for readers that do not know int8, and fine scores.

A signed and an unsigned byte represent the same number when their zero points are 128 apart, so a QUANTIZE between them
is exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from convert import packing

SHIFT = 128
BYTE = (-128, 127)
LOWEST_LOGIT = -4.0  # a score of 0.018; the lowest [face] min_score is 0.05. The device never counts the lowest byte


def unsigned(flatbuffer: bytes, *, output: bool) -> bytes:
    """The model with an int8 input as uint8 and, if asked, int8 outputs as uint8; other inputs and outputs stay."""
    model = packing.unpack(flatbuffer)
    subgraph = model.subgraphs[0]
    for place, index in enumerate(subgraph.inputs):
        if subgraph.tensors[index].type == schema.TensorType.INT8:
            subgraph.inputs[place] = _twin(model, subgraph, index)
            subgraph.operators.insert(0, _requantize(model, subgraph.inputs[place], index))
            _rename(model, index, subgraph.inputs[place], "inputs")
    for place, index in enumerate(subgraph.outputs):
        if output and subgraph.tensors[index].type == schema.TensorType.INT8:
            subgraph.outputs[place] = _twin(model, subgraph, index)
            subgraph.operators.append(_requantize(model, index, subgraph.outputs[place]))
            _rename(model, index, subgraph.outputs[place], "outputs")
    return packing.pack(model)


def fine_scores(flatbuffer: bytes) -> bytes:
    """A finder's int8 scores in finer steps: all logits below LOWEST_LOGIT become LOWEST_LOGIT.

    Where nobody is, a finder's logits fall below -100. With a range down to there, a step is 0.4 to 1.3 logits; near
    the threshold the score then goes up by 0.1 to 0.3 at once. The operator that makes a map scales its sums to the
    map's own steps and clips them, so nothing else in the model changes.
    """
    model = packing.unpack(flatbuffer)
    subgraph = model.subgraphs[0]
    for tensor in (subgraph.tensors[index] for index in subgraph.outputs):
        if tensor.shape[-1] != 1 or tensor.type != schema.TensorType.INT8:
            continue  # a map of boxes
        highest = float(tensor.quantization.scale[0]) * (BYTE[1] - int(tensor.quantization.zeroPoint[0]))
        step = (highest - LOWEST_LOGIT) / (BYTE[1] - BYTE[0])  # every range has 0 in it, so `highest` is at least 0
        tensor.quantization.scale = np.array([step], np.float32)
        tensor.quantization.zeroPoint = np.array([round(BYTE[0] - LOWEST_LOGIT / step)], np.int64)
    return packing.pack(model)


def _twin(model: Any, subgraph: Any, index: int) -> int:
    """Index of a new uint8 tensor with the values of an int8 one. It takes over the name, by which readers find it."""
    signed = subgraph.tensors[index]
    twin = schema.TensorT()
    twin.shape, twin.shapeSignature, twin.type = signed.shape, signed.shapeSignature, schema.TensorType.UINT8
    twin.name, signed.name = signed.name, signed.name + b"_int8"
    twin.quantization = schema.QuantizationParametersT()
    twin.quantization.scale = np.array(signed.quantization.scale, np.float32)
    twin.quantization.zeroPoint = np.array(signed.quantization.zeroPoint, np.int64) + SHIFT
    model.buffers.append(schema.BufferT())
    twin.buffer = len(model.buffers) - 1
    subgraph.tensors.append(twin)
    return len(subgraph.tensors) - 1


def _requantize(model: Any, source: int, target: int) -> Any:
    """A QUANTIZE operator from one tensor to another."""
    operator = schema.OperatorT()
    operator.opcodeIndex = _code(model, schema.BuiltinOperator.QUANTIZE)
    operator.inputs, operator.outputs = np.array([source], np.int32), np.array([target], np.int32)
    return operator


def _code(model: Any, builtin: int) -> int:
    """Index of an operator's code in the model's list."""
    for index, known in enumerate(model.operatorCodes):
        if known.builtinCode == builtin:
            return index
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = builtin
    code.version = 2  # the first version that requantizes
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def _rename(model: Any, old: int, new: int, side: str) -> None:
    """Let a signature name the tensor that is now the input or output."""
    for signature in model.signatureDefs or []:
        for entry in getattr(signature, side) or []:
            if entry.tensorIndex == old:
                entry.tensorIndex = new
