"""Opens a model in an interpreter. The only file that uses LiteRT, or its predecessor tflite-runtime."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwatch.errors import ModelError
from maskwatch.flow import Image
from maskwatch.system.libraries import LITERT, TFLITE, first_of
from maskwatch.system.library_chatter import muted_stderr
from maskwatch.vision.quantization import Floats, Scale

# Types that the inputs and outputs of networks for images have.
NUMBERS = ("uint8", "int8", "int16", "float16", "float32")


class Model:
    """A model with one image as its input. Not to be shared between threads.

    Raises:
        ModelError: the flatbuffer cannot be run, or does not take one square RGB image.
    """

    def __init__(self, flatbuffer: bytes, threads: int, origin: str) -> None:
        """
        Args:
            flatbuffer: a TFLite model; anything appended to it is ignored.
            threads: of the interpreter; without this number it would use one.
            origin: where the model came from, for messages.
        """
        self._interpreter, self._origin = open_interpreter(flatbuffer, threads, origin), origin
        with _told(origin):
            inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        shapes = [tuple(int(side) for side in entry["shape"]) for entry in inputs]
        size = shapes[0][1] if len(shapes) == 1 and len(shapes[0]) == 4 else 0
        if size < 1 or shapes != [(1, size, size, 3)]:
            raise ModelError(f"model {origin}: takes {shapes}; expected one image, (1, S, S, 3)")
        self.input_size = size  # pixels
        self._input = inputs[0]
        for entry in (*inputs, *outputs):
            _demand_numbers(entry, origin)
        self._outputs = [entry["index"] for entry in outputs]
        self.scales = [_scale(entry["quantization"]) for entry in outputs]

    def run(self, image: Image) -> list[Floats]:
        """(S, S, 3) uint8 RGB -> all outputs in the file's order, converted to float32.

        Raises:
            ModelError: see answer().
        """
        return [scale.floats(raw) for scale, raw in zip(self.scales, self.answer(image), strict=True)]

    def answer(self, image: Image) -> list[NDArray[Any]]:
        """Like run(), but the raw numbers of the model; `scales` converts them.

        Raises:
            ModelError: the runtime failed.
        """
        with _told(self._origin):
            self._interpreter.set_tensor(self._input["index"], _quantized(image, self._input)[None])
            self._interpreter.invoke()
            return [self._interpreter.get_tensor(index) for index in self._outputs]


def open_interpreter(flatbuffer: bytes, threads: int, origin: str) -> Any:
    """An interpreter of the installed runtime with its tensors allocated.

    Raises:
        ModelError: no runtime is installed, or it cannot run the model.
    """
    with _told(origin), muted_stderr():  # it prints the name of its delegate
        interpreter = _interpreter_class()(model_content=flatbuffer, num_threads=threads)
        interpreter.allocate_tensors()
    return interpreter


@contextlib.contextmanager
def _told(origin: str) -> Iterator[None]:
    """Turn the runtime's exceptions into ModelError."""
    try:
        yield
    except (ValueError, RuntimeError, TypeError) as error:
        reason = f"the runtime cannot run it ({_reason(error)})"
        raise ModelError(f"model {origin}: {reason}; make it again with convert") from error


def installed() -> str:
    """The runtime that is used and its version, e.g. `ai-edge-litert 2.3.0`. Loads it.

    Raises:
        ModelError: none is installed, or it cannot be loaded.
    """
    name = str(_interpreter_class().__module__).partition(".")[0].replace("_", "-")
    try:
        return f"{name} {metadata.version(name)}"
    except metadata.PackageNotFoundError:  # installed without pip
        return name


def _interpreter_class() -> Any:
    """ai-edge-litert, or tflite-runtime where only that is installed (Python 3.11 and numpy 1 at most).

    Raises:
        ModelError: neither is installed, or one is but cannot be loaded.
    """
    return first_of(LITERT, TFLITE, subject="runtime").Interpreter


def _reason(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _quantized(image: Image, tensor: dict[str, Any]) -> NDArray[Any]:
    """Camera bytes converted to the input's type. Our models take them as they are (scale 1, zero point 0)."""
    dtype, (scale, zero_point) = tensor["dtype"], tensor["quantization"]
    if dtype == np.uint8 and (scale, zero_point) == (1.0, 0):
        return image
    if not scale:
        return image.astype(dtype)
    limits = np.iinfo(dtype)
    return np.asarray(np.clip(np.round(image / scale + zero_point), limits.min, limits.max), dtype)


def _demand_numbers(tensor: dict[str, Any], origin: str) -> None:
    """Check that a tensor has a known type, and that integers have a scale.

    Raises:
        ModelError: it has not.
    """
    dtype, (scale, _) = np.dtype(tensor["dtype"]), tensor["quantization"]
    if dtype.name not in NUMBERS:
        raise ModelError(f"model {origin}: an input or output is {dtype}, expected one of {', '.join(NUMBERS)}")
    if dtype.kind != "f" and not (math.isfinite(scale) and scale > 0):
        raise ModelError(f"model {origin}: an input or output is {dtype} of scale {scale:g}, expected a scale above 0")


def _scale(quantization: tuple[float, int]) -> Scale:
    """The runtime reports scale 0 for outputs that are not quantized."""
    scale, zero_point = quantization
    return Scale(scale, zero_point) if scale else Scale()
