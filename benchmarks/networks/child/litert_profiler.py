"""LiteRT's own profiler, which its Python does not offer: through the C library in the same wheel.

XNNPACK tells the time of each kernel of its own, so this is what is run, not the graph as it was converted. Only
functions are called and one text is read; no structure's layout is relied on. It is another door into the runtime than
Interpreter's, onto the same kernels.
"""

from __future__ import annotations

import ctypes
import re
from pathlib import Path
from statistics import median
from typing import Any

CPU = 1  # LiteRtHwAcceleratorSet
TENSOR_TYPE = 512  # bytes; LiteRtRankedTensorType is shorter
# `Delegate/Convolution (NHWC, QC8) DWConv   0.000  0.127  0.131  2.922%  15.039%  0.000  30  [Delegate]:2`
ROW = re.compile(r"^\s*(\S.*?)\s+[\d.]+\s+[\d.]+\s+([\d.]+)\s+[\d.]+%\s+[\d.]+%\s+[\d.]+\s+\d+\s+(\[?\S*\]?):(\d+)$")
RUN_ORDER = "= Run Order ="


class Library:
    """LiteRT's C functions; each tells by its result whether it did what it was asked."""

    def __init__(self) -> None:
        import ai_edge_litert

        (path,) = Path(ai_edge_litert.__path__[0]).glob("libLiteRt.so")
        self._functions = ctypes.CDLL(str(path))

    def __call__(self, name: str, *arguments: Any) -> None:
        if status := getattr(self._functions, name)(*arguments):
            raise RuntimeError(f"{name} answers {status}")

    def make(self, name: str, *arguments: Any) -> ctypes.c_void_p:
        """Of a function that hands its object back through its last argument."""
        made = ctypes.c_void_p()
        self(name, *arguments, ctypes.byref(made))
        return made


def operators(file: str, threads: int, warm_ups: int, calls: int) -> list[list[object]]:
    """[kind, place in the plan, median microseconds], in the order they are run."""
    litert, content = Library(), Path(file).read_bytes()
    environment = litert.make("LiteRtCreateEnvironment", 0, None)
    model = litert.make("LiteRtCreateModelFromBuffer", environment, content, ctypes.c_size_t(len(content)))
    options, kept = _options(litert, threads)
    compiled = litert.make("LiteRtCreateCompiledModel", environment, model, options)
    buffers = [_buffers(litert, environment, model, compiled, kind) for kind in ("Input", "Output")]
    arguments = [each for found in buffers for each in (ctypes.c_size_t(len(found)), found)]
    profiler = litert.make("LiteRtCompiledModelGetProfiler", compiled)
    summaries = []
    for _ in range(warm_ups + calls):
        litert("LiteRtResetProfiler", profiler)
        litert("LiteRtStartProfiler", profiler)
        litert("LiteRtRunCompiledModel", compiled, ctypes.c_size_t(0), *arguments)
        litert("LiteRtStopProfiler", profiler)
        summary = litert.make("LiteRtGetProfileSummary", profiler, compiled)
        summaries.append(parsed(ctypes.string_at(summary.value or 0).decode()))
    del kept
    return medians(summaries[warm_ups:])


def medians(calls: list[list[list[Any]]]) -> list[list[object]]:
    """Of the same rows seen in each call: one that was interrupted does not count."""
    return [[kind, place, median(call[row][2] for call in calls)] for row, (kind, place, _) in enumerate(calls[0])]


def parsed(summary: str) -> list[list[Any]]:
    """The rows of the profiler's table in the order of the run.

    Raises:
        RuntimeError: it is not the table that is known here.
    """
    table = summary.partition(RUN_ORDER)[2].partition("\n\n")[0]
    found = [match for match in map(ROW.match, table.splitlines()) if match]
    if not found:
        raise RuntimeError("the profiler's table is not the one that is known here")
    return [[row[1].replace("Delegate/", ""), int(row[4]), round(float(row[2]) * 1e3)] for row in found]


def _options(litert: Library, threads: int) -> tuple[ctypes.c_void_p, list[Any]]:
    """Of a compilation, and what must outlive it."""
    options = litert.make("LiteRtCreateOptions")
    litert("LiteRtSetOptionsHardwareAccelerators", options, CPU)
    destroy = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: None)  # the texts are Python's
    kept: list[Any] = [destroy]
    for name, text in (("runtime_options_string", "enable_profiling = true"), ("xnnpack", f"num_threads = {threads}")):
        kept.append(ctypes.create_string_buffer(f"{text}\n".encode()))
        address = ctypes.cast(kept[-1], ctypes.c_void_p)
        opaque = litert.make("LiteRtCreateOpaqueOptions", name.encode(), address, destroy)
        litert("LiteRtAddOpaqueOptions", options, opaque)
    return options, kept


def _buffers(
    litert: Library, environment: ctypes.c_void_p, model: ctypes.c_void_p, compiled: ctypes.c_void_p, kind: str
) -> Any:
    """Memory for every input or output of the model's first signature, as it wants it."""
    first, count = ctypes.c_size_t(0), ctypes.c_size_t()
    signature = litert.make("LiteRtGetModelSignature", model, first)
    litert(f"LiteRtGetNumSignature{kind}s", signature, ctypes.byref(count))
    found = (ctypes.c_void_p * count.value)()
    for index in range(count.value):
        at, tensor_type = ctypes.c_size_t(index), ctypes.create_string_buffer(TENSOR_TYPE)
        tensor = litert.make(f"LiteRtGetSignature{kind}TensorByIndex", signature, at)
        litert("LiteRtGetRankedTensorType", tensor, tensor_type)
        needs = litert.make(f"LiteRtGetCompiledModel{kind}BufferRequirements", compiled, first, at)
        found[index] = litert.make(
            "LiteRtCreateManagedTensorBufferFromRequirements", environment, tensor_type, needs
        ).value
    return found
