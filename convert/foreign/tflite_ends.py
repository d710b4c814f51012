"""The two ends of a .tflite: camera bytes in, a number a label out, with operators added before and after it.

A picture enters as uint8 of scale 1, becomes float, is scaled by a 1×1 convolution (which can also reverse BGR), and
becomes the model's input. These operators cost little compared with a network's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tensorflow.lite.python import schema_py_generated as schema

from convert import ends, packing
from convert.foreign.pixels import SCALED, Pixels
from convert.foreign.source import Source, are_shares
from maskwatch.errors import ConfigError, ModelError
from maskwatch.vision import bundle
from maskwatch.vision.foreign import structure
from maskwatch.vision.foreign.flatbuffer import MalformedError
from maskwatch.vision.quantization import Floats
from maskwatch.vision.runtime import Model

LOOKS = 8  # random pictures that show what kind of numbers a model answers
THREADS = 2
CLOSE = 0.02  # share of a range's width by which an input's range may differ from it


def load(path: Path) -> bytes:
    """The flatbuffer, checked so that it can be given to a runtime.

    Raises:
        ModelError: it cannot be read, is damaged, or cannot be a converted model.
    """
    content = bundle.content(path)
    try:
        structure.look_through(content)
    except MalformedError as error:
        raise ModelError(f"model {path}: damaged, or no network for pictures ({error})") from error
    return content


def source(flatbuffer: bytes, path: Path, size: int | None) -> Source:
    """The inputs and outputs of a model.

    Raises:
        ConfigError: the given size differs from the model's.
        ModelError: its input is not one picture, or its output not one line of numbers.
    """
    model = Model(flatbuffer, THREADS, str(path))
    if size not in (None, model.input_size):
        raise ConfigError(f"--size {size}: model {path} takes {model.input_size} pixels")
    rng = np.random.default_rng(0)
    looks = [rng.uniform(-1, 1, (model.input_size,) * 2 + (3,)).astype(np.float32) for _ in range(LOOKS)]
    subgraph = packing.unpack(flatbuffer).subgraphs[0]
    in_bytes = _takes_bytes(subgraph.tensors[subgraph.inputs[0]])

    def run(image: Floats) -> list[Floats]:
        return model.run(np.asarray(np.rint(image).clip(0, 255), np.uint8) if in_bytes else image)

    answers = [run(look) for look in looks]
    shapes = [answer.shape for answer in answers[0]]
    if len(shapes) != 1 or len(shapes[0]) != 2 or shapes[0][0] != 1 or shapes[0][1] not in (1, 2, 3):
        raise ModelError(f"model {path}: answers {shapes}; expected one line of one, two or three numbers, (1, 2)")
    shares = are_shares(np.concatenate([answer[0] for answer in answers]))
    return Source(model.input_size, 3, shapes[0][1], shares, _range(flatbuffer, path), lambda image: run(image)[0][0])


def _range(flatbuffer: bytes, path: Path) -> str | None:
    """The scaling of the pixels, from the scale of an integer input; None for a float input.

    Raises:
        ModelError: its range is not one of the known ones.
    """
    subgraph = packing.unpack(flatbuffer).subgraphs[0]
    entry = subgraph.tensors[subgraph.inputs[0]]
    if entry.type not in LIMITS:
        return None
    scale, zero = float(entry.quantization.scale[0]), int(entry.quantization.zeroPoint[0])
    low, high = ((limit - zero) * scale for limit in LIMITS[entry.type])
    for name, (factors, offsets) in SCALED.items():
        wanted = (offsets[0], 255 * factors[0] + offsets[0])
        if len(set(factors)) == len(set(offsets)) == 1 and np.allclose((low, high), wanted, atol=CLOSE * (high - low)):
            return name
    raise ModelError(f"model {path}: its input goes from {low:.3g} to {high:.3g}; expected 0..255, 0..1 or -1..1")


LIMITS = {
    schema.TensorType.UINT8: (0, 255),
    schema.TensorType.INT8: (-128, 127),
}


def folded(flatbuffer: bytes, found: Source, pixels: Pixels) -> bytes:
    """The model with camera bytes in and a number for each label out."""
    model = packing.unpack(flatbuffer)
    graph = _Graph(model)
    graph.scale_input(pixels)
    if found.outputs == 1:
        graph.deal_output(*found.columns)
    return packing.pack(model)


class _Graph:
    """A model whose ends are changed in place."""

    def __init__(self, model: Any) -> None:
        self.model, self.subgraph = model, model.subgraphs[0]
        self.tensors = self.subgraph.tensors

    def scale_input(self, pixels: Pixels) -> None:
        """uint8 of scale 1 -> float -> scaled -> what the model takes."""
        old = int(self.subgraph.inputs[0])
        entry = self.tensors[old]
        if pixels.plain and _takes_bytes(entry):
            return
        shape = [1, *entry.shape[1:3], 3]
        image = self.tensor("camera", schema.TensorType.UINT8, shape)
        self.tensors[image].quantization = _scale(1.0, 0)
        plain = self.tensor("pixels", schema.TensorType.FLOAT32, shape)
        is_float = entry.type == schema.TensorType.FLOAT32
        scaled = old if is_float else self.tensor("scaled", schema.TensorType.FLOAT32, shape)
        weights = self.constant("scale/weights", np.ascontiguousarray(pixels.matrix.T[:, None, None, :]))
        offset = self.constant("scale/offset", pixels.offset)
        first = [
            self.operator(schema.BuiltinOperator.DEQUANTIZE, [image], plain),
            self.operator(schema.BuiltinOperator.CONV_2D, [plain, weights, offset], scaled, _convolution()),
        ]
        if not is_float:
            first.append(self.operator(schema.BuiltinOperator.QUANTIZE, [scaled], old))
        self.subgraph.operators[:0] = first
        self.subgraph.inputs[0] = image
        ends._rename(self.model, old, image, "inputs")

    def deal_output(self, matrix: NDArray[np.float32], offset: NDArray[np.float32]) -> None:
        """Turn one number into a number for each of two labels, in float."""
        old = int(self.subgraph.outputs[0])
        number = old
        if self.tensors[old].type != schema.TensorType.FLOAT32:
            number = self.tensor("answer", schema.TensorType.FLOAT32, [1, 1])
            self.subgraph.operators.append(self.operator(schema.BuiltinOperator.DEQUANTIZE, [old], number))
        labels = self.tensor("labels", schema.TensorType.FLOAT32, [1, 2])
        weights = self.constant("labels/weights", np.ascontiguousarray(matrix.T))
        inputs = [number, weights, self.constant("labels/offset", offset)]
        dealt = self.operator(schema.BuiltinOperator.FULLY_CONNECTED, inputs, labels, _dense())
        self.subgraph.operators.append(dealt)
        self.subgraph.outputs[0] = labels
        ends._rename(self.model, old, labels, "outputs")

    def tensor(self, name: str, kind: int, shape: list[int], content: bytes = b"") -> int:
        """Index of a new tensor."""
        buffer = schema.BufferT()
        if content:
            buffer.data = np.frombuffer(content, np.uint8)
        self.model.buffers.append(buffer)
        tensor = schema.TensorT()
        tensor.name, tensor.type, tensor.shape = name.encode(), kind, np.array(shape, np.int32)
        tensor.buffer = len(self.model.buffers) - 1
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def constant(self, name: str, values: NDArray[np.float32]) -> int:
        """Index of a new constant tensor."""
        return self.tensor(name, schema.TensorType.FLOAT32, list(values.shape), values.tobytes())

    def operator(self, builtin: int, inputs: list[int], output: int, options: tuple[int, Any] | None = None) -> Any:
        """A new operator."""
        made = schema.OperatorT()
        made.opcodeIndex = self.code(builtin)
        made.inputs, made.outputs = np.array(inputs, np.int32), np.array([output], np.int32)
        if options:
            made.builtinOptionsType, made.builtinOptions = options
        return made

    def code(self, builtin: int) -> int:
        """Index of an operator's code in the model's list."""
        for index, known in enumerate(self.model.operatorCodes):
            if max(known.builtinCode, known.deprecatedBuiltinCode) == builtin:
                return index
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = builtin
        code.version = 1
        self.model.operatorCodes.append(code)
        return len(self.model.operatorCodes) - 1


def _takes_bytes(entry: Any) -> bool:
    quantization = entry.quantization
    if entry.type != schema.TensorType.UINT8:
        return False
    return float(quantization.scale[0]) == 1.0 and int(quantization.zeroPoint[0]) == 0


def _scale(scale: float, zero_point: int) -> Any:
    made = schema.QuantizationParametersT()
    made.scale, made.zeroPoint = np.array([scale], np.float32), np.array([zero_point], np.int64)
    return made


def _convolution() -> tuple[int, Any]:
    options = schema.Conv2DOptionsT()
    options.padding, options.strideW, options.strideH = schema.Padding.VALID, 1, 1
    return schema.BuiltinOptions.Conv2DOptions, options


def _dense() -> tuple[int, Any]:
    return schema.BuiltinOptions.FullyConnectedOptions, schema.FullyConnectedOptionsT()
