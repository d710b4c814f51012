"""Opens a model in any runtime, and calls it with the same bytes each time. Runs on Python 3.9, numpy 1 or 2."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module, metadata
from typing import Any

import numpy as np

# Distribution -> the module with its Interpreter. The class is the same; the package was renamed over the years.
INTERPRETERS = {
    "ai-edge-litert": "ai_edge_litert.interpreter",
    "tflite-runtime": "tflite_runtime.interpreter",
    "tensorflow": "tensorflow.lite.python.interpreter",
}
ONNX_TYPES = {
    "tensor(float)": "float32",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(float16)": "float16",
}


class Engine:
    """A model, ready to call."""

    def __init__(self, run: Callable[[], object], shape: list[int], dtype: str, delegate: str) -> None:
        self.run = run
        self.input = {"shape": shape, "dtype": dtype}
        self.delegate = delegate


def version(runtime: str) -> str:
    """Import the runtime and return its version."""
    import_module(INTERPRETERS.get(runtime, runtime))
    return metadata.version(runtime)


def open_engine(runtime: str, file: str, threads: int) -> Engine:
    """The model in memory, tensors allocated."""
    return _session(file, threads) if runtime == "onnxruntime" else _interpreter(runtime, file, threads)


def _interpreter(runtime: str, file: str, threads: int) -> Engine:
    with open(file, "rb") as stream:  # noqa: PTH123 - as the device does: opened from bytes
        content = stream.read()
    interpreter = import_module(INTERPRETERS[runtime]).Interpreter(model_content=content, num_threads=threads)
    interpreter.allocate_tensors()
    (entry,) = interpreter.get_input_details()
    outputs = [output["index"] for output in interpreter.get_output_details()]
    shape, dtype = [int(side) for side in entry["shape"]], np.dtype(entry["dtype"]).name
    pixels = sample(shape, dtype)

    def run() -> None:
        interpreter.set_tensor(entry["index"], pixels)
        interpreter.invoke()
        for index in outputs:
            interpreter.get_tensor(index)

    parts = sum(operator["op_name"] == "DELEGATE" for operator in interpreter._get_ops_details())
    return Engine(run, shape, dtype, f"XNNPACK, {parts} part{'s' * (parts > 1)}" if parts else "none")


def _session(file: str, threads: int) -> Engine:
    session = onnx_session(file, threads)
    (entry,) = session.get_inputs()
    shape = [side if isinstance(side, int) else 1 for side in entry.shape]
    dtype = ONNX_TYPES[entry.type]
    pixels = sample(shape, dtype)
    return Engine(lambda: session.run(None, {entry.name: pixels}), shape, dtype, ", ".join(session.get_providers()))


def onnx_session(file: str, threads: int, profile: str = "") -> Any:
    """A session on the CPU with this number of threads."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    if profile:
        options.enable_profiling, options.profile_file_prefix = True, profile
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def sample(shape: list[int], dtype: str) -> Any:
    """The same noise each time, over the input's whole range; 0 to 255 for floats."""
    random = np.random.default_rng(0)
    if np.issubdtype(np.dtype(dtype), np.integer):
        limits = np.iinfo(dtype)
        return random.integers(limits.min, limits.max, shape, dtype, endpoint=True)
    return random.integers(0, 256, shape).astype(dtype)
