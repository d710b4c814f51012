"""Where quantizing adds error: the output of every layer in float and in a variant, on the same pictures.

The error of a layer includes the errors of the layers before it, which feed it. Layers are matched by the name of their
output tensor; every converter keeps it, except for a number at its end.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert import graph, packing
from maskwatch.errors import ModelError
from maskwatch.flow import Image

PICTURES = 32  # of the calibration sample: enough for an average over thousands of activations
NUMBER = re.compile(r"(?<=[A-Za-z])\d+$")  # `ReadVariableOp1` in one model is `ReadVariableOp2` in another
EXACT_DB = 120.0  # for a layer without any error: float32 has no more precision

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LayerError:
    """The error of one layer."""

    name: str  # short: the layer's own name, without the names of fused layers
    tensor: str  # the name that --keep-float is compared with
    operator: str
    sqnr_db: float  # signal-to-quantisation-noise ratio, decibel
    cosine: float  # between the two answers, averaged over the pictures


@dataclass(slots=True)
class _Sums:
    signal: float = 0.0
    noise: float = 0.0
    cosines: list[float] = field(default_factory=list)

    def add(self, before: Values, after: Values) -> None:
        self.signal += float((before**2).sum())
        self.noise += float(((before - after) ** 2).sum())
        lengths = float(np.linalg.norm(before) * np.linalg.norm(after))
        self.cosines.append(float((before * after).sum()) / lengths if lengths else float(not self.noise))

    @property
    def sqnr_db(self) -> float:
        if not self.noise:
            return EXACT_DB
        return min(EXACT_DB, 10 * float(np.log10(max(self.signal, 1e-30) / self.noise)))


def errors(reference: bytes, variant: bytes, pictures: Sequence[Image], lowest: float = -np.inf) -> list[LayerError]:
    """The error of every layer that both models have, in the order of execution.

    Args:
        reference: the float32 .tflite.
        variant: the same network, quantized.
        pictures: (S, S, 3) uint8 RGB each.
        lowest: in outputs with one channel, lower numbers count as this one, in both models.
    """
    names = _made(reference)
    partners = matched(names, _made(variant))
    before, after = _Spy(reference, partners.keys()), _Spy(variant, partners.values())
    sums = {name: _Sums() for name in partners}
    for picture in pictures:
        old, new = before.answers(picture), after.answers(picture)
        for name, total in sums.items():
            low = lowest if name in before.outputs and old[name].shape[-1] == 1 else -np.inf
            total.add(np.maximum(old[name], low), np.maximum(new[partners[name]], low))
    return [
        LayerError(short(name), name, names[name], round(total.sqnr_db, 2), round(float(np.mean(total.cosines)), 6))
        for name, total in sums.items()
    ]


def matched(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """A layer's name in one model -> its name in the other; both are name -> operator, in the order they run."""
    numberless: dict[tuple[str, str], list[str]] = {}
    for name, operator in after.items():
        numberless.setdefault((NUMBER.sub("", name), operator), []).append(name)
    alike = {name: numberless.get((NUMBER.sub("", name), operator), []) for name, operator in before.items()}
    return {
        name: name if name in after else alike[name][0]
        for name in before
        if name in after or len(alike[name]) == 1  # among several with the same base name the match is unknown
    }


def worst(found: Sequence[LayerError], count: int = 5) -> list[LayerError]:
    """The layers with the lowest signal-to-noise ratio."""
    return sorted(found, key=lambda layer: layer.sqnr_db)[:count]


def short(tensor: str) -> str:
    """`bytes_in_1/net_1/block_1_relu_1/Relu6;…` -> `block_1_relu_1`: the layer's name for people."""
    if tensor.startswith("StatefulPartitionedCall"):
        return f"output {tensor.rpartition(':')[2]}"
    *scopes, operation = tensor.split(";")[0].split("/")
    return next((scope for scope in reversed(scopes) if scope != "batchnorm"), operation)


class _Spy:
    """A model that gives the output of each of its layers.

    Raises:
        ModelError: LiteRT is not installed; tflite-runtime cannot do this.
    """

    def __init__(self, flatbuffer: bytes, names: Collection[str]) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter, OpResolverType
        except ImportError as error:
            raise ModelError(f"runtime: {error}; pip install ai-edge-litert") from error
        # Without XNNPACK, which does not show the tensors between the layers.
        resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        self._interpreter = Interpreter(
            model_content=flatbuffer,
            experimental_op_resolver_type=resolver,
            experimental_preserve_all_tensors=True,
            num_threads=2,
        )
        self._interpreter.allocate_tensors()
        (self._input,) = self._interpreter.get_input_details()
        self.outputs = {each["name"] for each in self._interpreter.get_output_details()}
        self.tensors = {each["name"]: each for each in self._interpreter.get_tensor_details() if each["name"] in names}

    def answers(self, picture: Image) -> dict[str, Values]:
        """Tensor name -> the layer's output, in real numbers."""
        scale, zero_point = self._input["quantization"]
        numbers = picture if not scale else np.round(picture / scale + zero_point)
        self._interpreter.set_tensor(self._input["index"], numbers[None].astype(self._input["dtype"]))
        self._interpreter.invoke()
        return {name: _real(self._interpreter.get_tensor(each["index"]), each) for name, each in self.tensors.items()}


def _real(values: NDArray[Any], tensor: dict[str, Any]) -> Values:
    scale, zero_point = tensor["quantization"]
    real = values.astype(np.float64)
    return (real - zero_point) * scale if scale else real


def _made(flatbuffer: bytes) -> dict[str, str]:
    """Name of each operator's output -> the operator, in the order of execution."""
    return dict(_operators(packing.unpack(flatbuffer)))


def _operators(model: Any) -> Iterator[tuple[str, str]]:
    subgraph = model.subgraphs[0]
    for operator in subgraph.operators:
        name = graph.OPERATORS[model.operatorCodes[operator.opcodeIndex].builtinCode]
        if name == "DEQUANTIZE" and _holds(model, subgraph.tensors[operator.inputs[0]]):
            continue  # float16 unpacks every constant with it, and the result has the name of the layer it is for
        for index in operator.outputs:
            yield subgraph.tensors[index].name.decode(), name


def _holds(model: Any, tensor: Any) -> bool:
    """Whether a tensor is a constant."""
    return model.buffers[tensor.buffer].data is not None
