"""Calls LiteRT's own profiler through the C library in the wheel, because the Python package does not offer it.

XNNPACK reports the time of each of its kernels, so this shows what is executed, not the converted graph. Only functions
are called and one text is read; no layout of a structure is assumed. This C
interface is not that of Python's Interpreter, but it uses the same kernels.
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
    """LiteRT's C functions; the result of each is its status."""

    def __init__(self) -> None:
        import ai_edge_litert

        (path,) = Path(ai_edge_litert.__path__[0]).glob("libLiteRt.so")
        self._functions = ctypes.CDLL(str(path))

    def __call__(self, name: str, *arguments: Any) -> None:
        if status := getattr(self._functions, name)(*arguments):
            raise RuntimeError(f"{name} answers {status}")

    def make(self, name: str, *arguments: Any) -> ctypes.c_void_p:
        """Call a function that returns its object through its last argument."""
        made = ctypes.c_void_p()
        self(name, *arguments, ctypes.byref(made))
        return made


def operators(file: str, threads: int, warm_ups: int, calls: int) -> list[list[object]]:
    """[kind, place in the plan, median microseconds], in the order of execution."""
    litert, content = Library(), Path(file).read_bytes()
    environment = litert.make("LiteRtCreateEnvironment", 0, None)
    model = litert.make("LiteRtCreateModelFromBuffer", environment, content, ctypes.c_size_t(len(content)))
    options, keep_alive = _options(litert, threads)
    compiled = litert.make("LiteRtCreateCompiledModel", environment, model, options)
    buffers = [_buffers(litert, environment, model, compiled, kind) for kind in ("Input", "Output")]
    arguments = [argument for found in buffers for argument in (ctypes.c_size_t(len(found)), found)]
    profiler = litert.make("LiteRtCompiledModelGetProfiler", compiled)
    summaries = []
    for _ in range(warm_ups + calls):
        litert("LiteRtResetProfiler", profiler)
        litert("LiteRtStartProfiler", profiler)
        litert("LiteRtRunCompiledModel", compiled, ctypes.c_size_t(0), *arguments)
        litert("LiteRtStopProfiler", profiler)
        summary = litert.make("LiteRtGetProfileSummary", profiler, compiled)
        summaries.append(parsed(ctypes.string_at(summary.value or 0).decode()))
    del keep_alive
    return medians(summaries[warm_ups:])


def medians(calls: list[list[list[Any]]]) -> list[list[object]]:
    """The median of each row over the calls, so that an interrupted call does not count."""
    return [[kind, place, median(call[row][2] for call in calls)] for row, (kind, place, _) in enumerate(calls[0])]


def parsed(summary: str) -> list[list[Any]]:
    """The rows of the profiler's table in the order of execution.

    Raises:
        RuntimeError: the table has another form than the known one.
    """
    table = summary.partition(RUN_ORDER)[2].partition("\n\n")[0]
    found = [match for match in map(ROW.match, table.splitlines()) if match]
    if not found:
        raise RuntimeError("the profiler's table has an unknown form")
    return [[row[1].replace("Delegate/", ""), int(row[4]), round(float(row[2]) * 1e3)] for row in found]


def _options(litert: Library, threads: int) -> tuple[ctypes.c_void_p, list[Any]]:
    """Options of a compilation, and the objects that must outlive them."""
    options = litert.make("LiteRtCreateOptions")
    litert("LiteRtSetOptionsHardwareAccelerators", options, CPU)
    destroy = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: None)  # the texts belong to Python
    keep_alive: list[Any] = [destroy]
    for name, text in (("runtime_options_string", "enable_profiling = true"), ("xnnpack", f"num_threads = {threads}")):
        keep_alive.append(ctypes.create_string_buffer(f"{text}\n".encode()))
        address = ctypes.cast(keep_alive[-1], ctypes.c_void_p)
        opaque = litert.make("LiteRtCreateOpaqueOptions", name.encode(), address, destroy)
        litert("LiteRtAddOpaqueOptions", options, opaque)
    return options, keep_alive


def _buffers(
    litert: Library, environment: ctypes.c_void_p, model: ctypes.c_void_p, compiled: ctypes.c_void_p, kind: str
) -> Any:
    """Memory for every input or output of the model's first signature, as the model requires."""
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
