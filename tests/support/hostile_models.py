"""Well-formed but hostile bundles: the shipped models changed in one way each, by seed, and how a unit handles them.

`python tests/support/hostile_models.py --count 1000` prints the outcome of each kind; `--unguarded` prints the outcome
of opening them without the trial; `--yunet FILE.onnx` does the same with YuNet's file, damaged. Each is opened in a
separate process, forked from one that has loaded the libraries.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import copy
import functools
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from maskwatch.errors import MaskwatchError
from maskwatch.flow import Box, Face
from maskwatch.vision import bundle
from maskwatch.vision.classifier import MaskClassifier
from maskwatch.vision.finder import SingleShotDetector, YuNetDetector
from maskwatch.vision.foreign import structure, trial_process
from maskwatch.vision.foreign.flatbuffer import MalformedError, Table
from maskwatch.vision.foreign.trial import ENVIRONMENT, refusal
from maskwatch.vision.model_card import Task

PATH, ONNX = Path("hostile.tflite"), Path("hostile.onnx")
SECONDS = 20.0  # that a model may take
NUMBERS = (-(2**31), -1, 0, 1, 2, 3, 5, 7, 64, 4096, 65536, 2**20, 2**31 - 1)
SCALES = (0.0, -1.0, float("nan"), float("inf"), 1e-45, 1e-30, 1e30, 3e38)
REFUSED, WORKS, CRASH, TRACEBACK = "refused", "works", "CRASH", "TRACEBACK"


@dataclass(frozen=True)
class Outcome:
    """The outcome of one model."""

    kind: str
    task: Task
    seed: int
    end: str  # refused, works, CRASH, TRACEBACK
    by: str  # the look through, the trial, or nothing
    reason: str
    seconds: float


# -- what is done to a model ----------------------------------------------------------------------------------------


def shapes(model: Any, rng: np.random.Generator) -> None:
    tensor = _pick(model.subgraphs[0].tensors, rng)
    shape = [int(side) for side in tensor.shape if tensor.shape is not None] or [1]
    how = rng.integers(3)
    if how == 0:
        shape[rng.integers(len(shape))] = int(rng.choice(NUMBERS))
    elif how == 1:
        shape = shape[1:] if rng.random() < 0.5 else [*shape, int(rng.choice(NUMBERS))]
    else:
        rng.shuffle(shape)
    tensor.shape = shape


def picture_shape(model: Any, rng: np.random.Generator) -> None:
    graph = model.subgraphs[0]
    side = int(graph.tensors[graph.inputs[0]].shape[1])
    shapes = ([1, side, side, 1], [2, side, side, 3], [1, 65536, 65536, 3], [1, 1, 1, 3], [1, 0, 0, 3], [], [side])
    graph.tensors[graph.inputs[0]].shape = shapes[rng.integers(len(shapes))]


def types(model: Any, rng: np.random.Generator) -> None:
    _pick(model.subgraphs[0].tensors, rng).type = int(rng.integers(0, 24))


def ends_types(model: Any, rng: np.random.Generator) -> None:
    graph = model.subgraphs[0]
    for index in graph.inputs if rng.random() < 0.5 else graph.outputs:
        graph.tensors[index].type = int(rng.choice([0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 12]))


def buffers_of_tensors(model: Any, rng: np.random.Generator) -> None:
    tensor = _pick(model.subgraphs[0].tensors, rng)
    tensor.buffer = int(rng.choice([0, 1, rng.integers(len(model.buffers)), len(model.buffers), 2**31]))


def contents(model: Any, rng: np.random.Generator) -> None:
    full = [buffer for buffer in model.buffers if buffer.data is not None and len(buffer.data)]
    buffer = _pick(full, rng)
    data = np.asarray(buffer.data, np.uint8)
    how = rng.integers(5)
    if how == 0:
        buffer.data = data[: rng.integers(len(data))]
    elif how == 1:
        buffer.data = np.concatenate([data, data])
    elif how == 2:
        buffer.data = None
    elif how == 3:
        buffer.data = rng.integers(0, 256, len(data), np.uint8)
    else:
        buffer.data = np.full(len(data), rng.choice([0, 127, 128, 255]), np.uint8)


def small_constants(model: Any, rng: np.random.Generator) -> None:
    """Axes, and shapes or sizes to change to: values that kernels read from a tensor."""
    graph = model.subgraphs[0]
    found = [
        t for t in graph.tensors if t.type == 2 and (data := model.buffers[t.buffer].data) is not None and len(data)
    ]
    tensor = _pick([t for t in found if len(model.buffers[t.buffer].data) <= 32] or found, rng)
    count = len(model.buffers[tensor.buffer].data) // 4
    model.buffers[tensor.buffer].data = rng.choice(NUMBERS, count).astype("<i4").view(np.uint8)


def scales(model: Any, rng: np.random.Generator) -> None:
    tensor = _pick([t for t in model.subgraphs[0].tensors if t.quantization and t.quantization.scale is not None], rng)
    values = np.array(tensor.quantization.scale, np.float32)
    values[rng.integers(len(values)) if rng.random() < 0.5 else slice(None)] = rng.choice(SCALES)
    tensor.quantization.scale = values


def zero_points(model: Any, rng: np.random.Generator) -> None:
    tensor = _pick([t for t in model.subgraphs[0].tensors if t.quantization and t.quantization.scale is not None], rng)
    how, quantization = rng.integers(4), tensor.quantization
    if how == 0:
        quantization.zeroPoint = np.array([int(rng.choice(NUMBERS))] * len(quantization.scale), np.int64)
    elif how == 1:
        quantization.scale = np.asarray(quantization.scale)[: rng.integers(len(quantization.scale) + 1)]
    elif how == 2:
        quantization.zeroPoint = np.zeros(int(rng.integers(5)), np.int64)
    else:
        quantization.quantizedDimension = int(rng.choice(NUMBERS))


def reads(model: Any, rng: np.random.Generator) -> None:
    operator = _pick(model.subgraphs[0].operators, rng)
    operator.inputs = _rewired(operator.inputs, len(model.subgraphs[0].tensors), rng)


def writes(model: Any, rng: np.random.Generator) -> None:
    operator = _pick(model.subgraphs[0].operators, rng)
    operator.outputs = _rewired(operator.outputs, len(model.subgraphs[0].tensors), rng)


def ends(model: Any, rng: np.random.Generator) -> None:
    graph = model.subgraphs[0]
    name = "inputs" if rng.random() < 0.5 else "outputs"
    setattr(graph, name, _rewired(getattr(graph, name), len(graph.tensors), rng))


def codes(model: Any, rng: np.random.Generator) -> None:
    code = _pick(model.operatorCodes, rng)
    if rng.random() < 0.3:
        code.version = int(rng.choice(NUMBERS))
    else:
        kind = int(rng.integers(0, 215))
        code.builtinCode, code.deprecatedBuiltinCode = kind, min(kind, 127)
        code.customCode = b"Surprise" if kind == 32 else None


def options(model: Any, rng: np.random.Generator) -> None:
    """Strides of 0, dilations of -1, paddings and activations that do not exist."""
    operator = _pick([each for each in model.subgraphs[0].operators if each.builtinOptions is not None], rng)
    names = [name for name, value in vars(operator.builtinOptions).items() if isinstance(value, int | bool)]
    for name in rng.choice(names, rng.integers(1, len(names) + 1), replace=False) if names else ():
        small = any(word in name for word in ("adding", "ctivation", "Type", "ormat"))
        setattr(operator.builtinOptions, name, int(rng.integers(-128, 128)) if small else int(rng.choice(NUMBERS)))


def option_types(model: Any, rng: np.random.Generator) -> None:
    first, second = rng.choice(len(model.subgraphs[0].operators), 2)
    operators = model.subgraphs[0].operators
    operators[first].opcodeIndex = operators[second].opcodeIndex
    if rng.random() < 0.5:
        operators[first].builtinOptions, operators[first].builtinOptionsType = None, 0


def order(model: Any, rng: np.random.Generator) -> None:
    operators = model.subgraphs[0].operators
    how = rng.integers(3)
    if how == 0:
        del operators[rng.integers(len(operators))]
    elif how == 1:
        operators.insert(int(rng.integers(len(operators))), copy.copy(_pick(operators, rng)))
    else:
        rng.shuffle(operators)


def graphs(model: Any, rng: np.random.Generator) -> None:
    how = rng.integers(3)
    if how == 0:
        model.subgraphs = []
    elif how == 1:
        model.subgraphs = [*model.subgraphs, copy.deepcopy(model.subgraphs[0])]
    else:
        model.version = int(rng.choice([0, 1, 2, 4, 2**31]))


def flags(model: Any, rng: np.random.Generator) -> None:
    tensor = _pick(model.subgraphs[0].tensors, rng)
    if rng.random() < 0.5:
        tensor.isVariable = True
    else:
        tensor.shapeSignature = [int(rng.choice(NUMBERS)) for _ in tensor.shape]


def no_numbers(model: Any, rng: np.random.Generator) -> None:
    """Outputs of floats that overflow: a last operator converts integers with a scale of 3e38."""
    from ai_edge_litert import schema_py_generated as schema

    graph = model.subgraphs[0]
    place = int(rng.integers(len(graph.outputs)))
    source = graph.tensors[graph.outputs[place]]
    source.quantization.scale = np.array([3e38], np.float32)
    target = copy.deepcopy(source)
    target.type, target.quantization, target.buffer, target.name = 0, None, 0, b"overflowing"
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = 6
    code.version = 1
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs = len(model.operatorCodes), [graph.outputs[place]]
    operator.outputs = [len(graph.tensors)]
    model.operatorCodes.append(code)
    graph.tensors.append(target)
    graph.operators.append(operator)
    graph.outputs[place] = len(graph.tensors) - 1


def nothing(model: Any, rng: np.random.Generator) -> None:
    """The unchanged model, which must not be refused."""


MUTATIONS: dict[str, Callable[[Any, np.random.Generator], None]] = {
    each.__name__: each
    for each in (
        *(shapes, picture_shape, types, ends_types, buffers_of_tensors, contents, small_constants, scales, zero_points),
        *(reads, writes, ends, codes, options, option_types, order, graphs, flags, no_numbers, nothing),
    )
}
BYTES = "bytes"  # some bytes of the file changed: no object of the schema in between
KINDS = (*MUTATIONS, BYTES)


def _pick(choices: list[Any], rng: np.random.Generator) -> Any:
    return choices[rng.integers(len(choices))]


def _rewired(places: Any, count: int, rng: np.random.Generator) -> list[int]:
    """Indices of tensors of an operator or graph, changed: another one, none, one too many, one past the end."""
    changed = [int(place) for place in places]
    how = rng.integers(4)
    if how == 0 and changed:
        changed[rng.integers(len(changed))] = int(rng.integers(count))
    elif how == 1 and changed:
        changed[rng.integers(len(changed))] = int(rng.choice([-2, -1, count, 2**31 - 1]))
    elif how == 2:
        changed = changed[:-1]
    else:
        changed.append(int(rng.integers(count)))
    return changed


def hostile(kind: str, task: Task, seed: int) -> bytes:
    """The flatbuffer of a shipped model, changed in one way."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    rng = np.random.default_rng([seed, KINDS.index(kind)])
    whole = _shipped(task).flatbuffer
    if kind == BYTES:
        data = np.frombuffer(whole, np.uint8).copy()
        data[rng.choice(_tables(whole), rng.integers(1, 9))] = rng.choice([0, 1, 127, 128, 255])
        return data.tobytes()
    model = schema.ModelT.InitFromPackedBuf(bytearray(whole))
    MUTATIONS[kind](model, rng)
    builder = flatbuffers.Builder(len(whole))
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


@functools.cache
def _shipped(task: Task) -> bundle.Bundle:
    return bundle.read(bundle.default_path(task), task)


@functools.cache
def _tables(flatbuffer: bytes) -> np.ndarray:
    """Positions of bytes that are neither a tensor's content nor the file's identifier."""
    others = np.ones(len(flatbuffer), bool)
    others[4:8] = False
    for buffer in Table.root(flatbuffer).tables(4, 10_000):
        content = buffer.numbers(0, "u1")
        if len(content):
            start = content.ctypes.data - np.frombuffer(flatbuffer, np.uint8).ctypes.data
            others[start : start + len(content)] = False
    return np.flatnonzero(others)


# -- what becomes of it ---------------------------------------------------------------------------------------------


def judged(kind: str, task: Task, seed: int, guarded: bool = True) -> Outcome | None:
    """The outcome, guarded as on a unit or unguarded; None if there is no such model."""
    try:
        flatbuffer = hostile(kind, task, seed)
    except Exception:  # the schema cannot hold the change
        return None
    card = _shipped(task).card
    content, start = bundle.pack(flatbuffer, card), time.perf_counter()
    by, end, reason = _guarded(task, content) if guarded else ("nothing", *_in_child(lambda: _use(task, content)))
    return Outcome(kind, task, seed, end, by, reason, time.perf_counter() - start)


def _guarded(task: Task, content: bytes) -> tuple[str, str, str]:
    try:
        structure.look_through(bundle.verified(content, PATH, task).flatbuffer)
    except MalformedError as error:
        return "look through", REFUSED, str(error)
    end, reason = _in_child(lambda: trial_process.tried(task, 2, PATH, content))
    if end != WORKS:
        return "trial", REFUSED, reason
    return "nothing", *_in_child(lambda: _use(task, content))


def _use(task: Task, content: bytes) -> str | None:
    """Use a model for a while as a unit does; returns the reason if it is refused in one line."""
    rng = np.random.default_rng(2)
    frames = [rng.integers(0, 256, (360, 480, 3), np.uint8) // shade for shade in (1, 2, 8, 255)]
    opened = bundle.verified(content, PATH, task)
    try:
        if task == "face":
            finder = SingleShotDetector(opened, None, 2)
            for frame in frames:
                finder.find(frame)
        else:
            judge = MaskClassifier(opened, 2)
            for frame in frames:
                judge.verdict(judge.crop(frame, Face(Box(100, 100, 200, 230), 1.0)))
    except MaskwatchError as error:
        return str(error)
    return None


def _in_child(work: Callable[[], str | None]) -> tuple[str, str]:
    """Run it in a fork of this process: works, refused with the reason, CRASH, or TRACEBACK."""
    reading, writing = os.pipe()
    process = os.fork()
    if not process:
        os.close(reading)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            answer = {"refused": work()}
        except BaseException as error:
            answer = {"traceback": f"{type(error).__name__}: {error}"}
        with contextlib.suppress(OSError):
            os.write(writing, json.dumps(answer).encode()[:4096])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        code, output = _ended(process), pipe.read()
    found = json.loads(output) if output else {}
    if "traceback" in found:
        return TRACEBACK, found["traceback"]
    reason = refusal(PATH, code, output)
    if reason is None:
        return WORKS, ""
    return (REFUSED if output else CRASH), reason


def _ended(process: int) -> int:
    """The exit code as subprocess gives it; a process that takes too long is killed."""
    limit = time.monotonic() + SECONDS
    while time.monotonic() < limit:
        done, status = os.waitpid(process, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(process, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def damaged(whole: bytes, seed: int) -> bytes:
    """An ONNX file with bytes changed, removed, inserted, or cut off at the end."""
    rng = np.random.default_rng(seed)
    data = np.frombuffer(whole, np.uint8).copy()
    how, place = rng.integers(4), int(rng.integers(len(data)))
    if how == 0:
        structure = rng.choice([4000, len(data)])  # the beginning, where nodes are, or anywhere
        data[rng.integers(0, structure, rng.integers(1, 9))] = rng.integers(0, 256)
    elif how == 1:
        data = np.delete(data, slice(place, place + int(rng.integers(1, 64))))
    elif how == 2:
        data = np.insert(data, place, rng.integers(0, 256, int(rng.integers(1, 64)), np.uint8))
    else:
        data = data[:place]
    return data.tobytes()


def judged_yunet(whole: bytes, seed: int, guarded: bool = True) -> Outcome:
    """As judged(), for YuNet's file."""
    content, start = damaged(whole, seed), time.perf_counter()
    by, end, reason = "nothing", WORKS, ""
    if guarded:
        end, reason = _in_child(lambda: trial_process.tried("yunet", 1, ONNX, content))
    if end != WORKS:
        by, end = "trial", REFUSED
    else:
        end, reason = _in_child(lambda: _use_yunet(content))
    return Outcome("onnx", "face", seed, end, by, reason, time.perf_counter() - start)


def _use_yunet(content: bytes) -> str | None:
    rng = np.random.default_rng(2)
    try:
        finder = YuNetDetector(ONNX, 0.6, content)
        for shade in (1, 2, 8, 255):
            finder.find(rng.integers(0, 256, (360, 480, 3), np.uint8) // shade)
    except MaskwatchError as error:
        return str(error)
    return None


def cases(count: int, seed: int) -> Iterator[tuple[str, Task, int]]:
    """Every kind in turn; two of three are of the smaller model, the finder, which is packed in a tenth of the time."""
    for number in range(count):
        task: Task = "mask" if number // len(KINDS) % 3 == 2 else "face"
        yield KINDS[number % len(KINDS)], task, seed + number // len(KINDS)


def main() -> None:
    """Judge `--count` models, and print a line for each (--json) or a table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--unguarded", action="store_true", help="open them without a look or a trial")
    parser.add_argument("--yunet", type=Path, help="this file damaged, in place of bundles")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    if not ENVIRONMENT.items() <= os.environ.items():  # heeded when a process starts
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **ENVIRONMENT})  # noqa: S606
    trial_process.warm_up()
    table: collections.Counter[tuple[str, str, str]] = collections.Counter()
    guarded = not asked.unguarded
    found: Iterator[Outcome | None]
    if asked.yunet:
        whole = asked.yunet.read_bytes()
        found = (judged_yunet(whole, asked.seed + number, guarded) for number in range(asked.count))
    else:
        found = (judged(*case, guarded=guarded) for case in cases(asked.count, asked.seed))
    for outcome in filter(None, found):
        if asked.json:
            print(json.dumps(vars(outcome)), flush=True)
        table[outcome.kind, outcome.end, outcome.by] += 1
        if outcome.end in (CRASH, TRACEBACK) and not asked.json:
            print(f"{outcome.kind} {outcome.task} {outcome.seed}: {outcome.end} {outcome.reason}", flush=True)
    if not asked.json:
        _print(table)


def _print(table: collections.Counter[tuple[str, str, str]]) -> None:
    ends = collections.Counter[tuple[str, str]]()
    for (kind, end, by), number in sorted(table.items()):
        print(f"{kind:<20}{end:<12}{by:<14}{number:>5}")
        ends[end, by] += number
    print(
        f"{ends.total()} models: " + ", ".join(f"{number} {end} by {by}" for (end, by), number in sorted(ends.items()))
    )


if __name__ == "__main__":
    sys.exit(main())
