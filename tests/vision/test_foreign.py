"""A model that is not the package's own is looked through and tried before it is trusted; a hostile one is one line."""

import hashlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hostile_models
import numpy as np
import pytest
from hostile_models import CRASH, KINDS, TRACEBACK, WORKS, Outcome

from maskwatch import config
from maskwatch.cli import check
from maskwatch.config import FaceSettings, MaskSettings
from maskwatch.daemon import parts
from maskwatch.errors import ModelError
from maskwatch.vision import bundle, runtime
from maskwatch.vision.foreign import remembered_trials, structure, trial, trial_process, trust
from maskwatch.vision.foreign.flatbuffer import MalformedError
from maskwatch.vision.model_card import Task

PEERS = os.environ.get("MASKWATCH_PEERS")
YUNET = Path(PEERS or ".") / "yunet_s_640_640.onnx"
ROUNDS = 6  # models of each kind: of the mask model two
PATH = Path("mine.tflite")


def mine(folder: Path, task: Task, flatbuffer: bytes | None = None) -> Path:
    """A foreign bundle: the shipped model, or another, under a name of its own."""
    shipped, path = bundle.read(bundle.default_path(task), task), folder / f"{task}.tflite"
    bundle.write(path, flatbuffer or shipped.flatbuffer, shipped.card.model_copy(update={"name": "mine"}))
    return path


def refusal(do: Callable[[], Any]) -> str:
    with pytest.raises(ModelError) as caught:
        do()
    assert "\n" not in str(caught.value)
    return str(caught.value)


# -- hostile models -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    """What became of models of every kind, some of each."""
    script, count = Path(hostile_models.__file__), len(KINDS) * ROUNDS
    command = [sys.executable, str(script), "--json", "--count", str(count), "--seed", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    return [Outcome(**json.loads(line)) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_model_is_refused_in_a_line_or_works(outcomes: list[Outcome], kind: str) -> None:
    found = [outcome for outcome in outcomes if outcome.kind == kind]
    assert len(found) > ROUNDS / 2
    assert [outcome for outcome in found if outcome.end in (CRASH, TRACEBACK)] == []
    assert not any("\n" in outcome.reason for outcome in found)
    if kind == "nothing":
        assert {outcome.end for outcome in found} == {WORKS}


def test_both_the_look_and_the_trial_refuse_some(outcomes: list[Outcome]) -> None:
    by = [outcome.by for outcome in outcomes]
    assert min(by.count("look through"), by.count("trial")) > 10


@pytest.mark.parametrize("task", bundle.TASKS)
def test_whatever_bytes_are_changed_the_look_ends_in_its_own_error(task: Task) -> None:
    for seed in range(100):
        data = hostile_models.hostile(hostile_models.BYTES, task, seed)
        for changed in (data, data[: len(data) - 999 * seed], data[: seed + 1], data[seed:]):
            try:
                structure.look_through(changed)
            except MalformedError as error:
                assert str(error)  # noqa: PT017 - some are refused, some not; no other error is let through


@pytest.mark.parametrize("task", bundle.TASKS)
def test_what_ships_would_pass_as_a_foreign_model_too(task: Task) -> None:
    content = bundle.content(bundle.default_path(task))
    refused = ""
    try:
        structure.look_through(bundle.verified(content, PATH, task).flatbuffer)
        trial.attempt(task, content, PATH, 2)
    except (MalformedError, ModelError) as error:
        refused = str(error)
    assert refused == ""


def test_a_model_that_wants_more_memory_than_it_may_have_is_refused() -> None:
    """Before the runtime sees its shape it would be refused; here the child alone must hold."""
    flatbuffer = hostile_models.hostile("picture_shape", "face", 2)
    card = bundle.read(bundle.default_path("face"), "face").card
    assert refusal(lambda: trial.attempt("face", bundle.pack(flatbuffer, card), PATH, 2)).startswith(f"model {PATH}: ")


# -- the child ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("kill -SEGV $$", "crashes the runtime (SIGSEGV), or takes too much memory or time"),
        ("kill -KILL $$", "crashes the runtime (SIGKILL), or takes too much memory or time"),
        ("kill -TERM $$", "its trial was interrupted (SIGTERM)"),
        ("exit 3", "ended the process that tried it (exit code 3)"),
        ("echo nonsense", "ended the process that tried it (exit code 0)"),
        ("echo '[]'", "ended the process that tried it (exit code 0)"),
        ("sleep 60", "did not answer a few pictures within 0.3 s when it was tried"),
        ("head -c 10 > /dev/null; exit 4", "ended the process that tried it (exit code 4)"),  # does not read it all
    ],
)
def test_however_the_child_ends_it_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, expected: str
) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    seconds = 0.3 if "sleep" in script else 60
    assert refusal(lambda: trial.attempt("mask", bytes(1 << 20), PATH, 1, seconds)) == f"model {PATH}: {expected}"


def test_a_child_that_cannot_be_started_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    assert refusal(lambda: trial.attempt("mask", b"", PATH, 1)).startswith(f"model {PATH}: cannot be tried: ")


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (lambda picture: np.full(3, picture.mean()), None),
        (lambda picture: np.ones(3), "has the same output for every picture"),  # noqa: ARG005
        (lambda picture: np.full(3, np.nan if picture.mean() == 255 else picture.mean()), "not a finite number"),
    ],
)
def test_answers_of_a_trial_must_differ_and_be_numbers(
    answers: Callable[[np.ndarray], np.ndarray], expected: str | None
) -> None:
    def demand() -> None:
        trial_process._demand_sense(PATH, [answers(picture) for picture in trial_process.pictures(16)])

    if expected is None:
        demand()
    else:
        assert expected in refusal(demand)


@pytest.mark.parametrize("size", [1, 2, 7, 128, 320])
def test_pictures_of_a_trial_are_as_the_networks_take_them(size: int) -> None:
    for picture in trial_process.pictures(size):
        assert (picture.shape, picture.dtype) == ((size, size, 3), np.uint8)


# -- whose a model is -----------------------------------------------------------------------------------------------


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds of models that were tried: nothing is, but for a note here."""
    made: list[str] = []
    monkeypatch.setattr(trust, "attempt", lambda kind, *_: made.append(kind))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    return made


def test_the_list_of_what_ships_is_of_what_ships() -> None:
    folder = bundle.default_path("mask").parent
    rows = [line.split("  ") for line in (folder / trust.SUMS).read_text().splitlines()]
    assert {name: sha256 for sha256, name in rows} == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.tflite")
    }


def test_the_packages_own_models_are_not_tried(attempts: list[str]) -> None:
    told: list[str] = []
    parts.build_finder(FaceSettings(), told.append)
    parts.build_classifier(MaskSettings(), told.append)
    assert (told, attempts) == ([trust.OWN] * 2, [])


def test_a_copy_of_the_packages_own_model_is_its_own_wherever_it_lies(tmp_path: Path, attempts: list[str]) -> None:
    path = tmp_path / "mask.tflite"
    path.write_bytes(bundle.default_path("mask").read_bytes())
    told: list[str] = []
    parts.build_classifier(MaskSettings(model=str(path)), told.append)
    assert (told, attempts) == ([trust.OWN], [])


def test_a_changed_model_in_the_packages_place_is_a_foreign_one(
    tmp_path: Path, attempts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = mine(tmp_path, "mask")
    monkeypatch.setattr(bundle, "default_path", lambda _: path)
    told: list[str] = []
    parts.build_classifier(MaskSettings(), told.append)
    assert attempts == ["mask"]
    assert told[0].startswith(f"{trust.FOREIGN}, tried for ")


@pytest.mark.parametrize("task", bundle.TASKS)
def test_a_foreign_model_is_tried_once_and_again_when_something_changed(
    tmp_path: Path, attempts: list[str], monkeypatch: pytest.MonkeyPatch, task: Task
) -> None:
    path, told = mine(tmp_path, task), list[str]()
    monkeypatch.setenv("STATE_DIRECTORY", f"{tmp_path}:/elsewhere")

    def start(threads: int = 2) -> None:
        content = bundle.content(path)
        told.append(trust.admit(bundle.verified(content, path, task), content, threads))

    start()
    start()
    assert told[1] == f"{trust.FOREIGN}, tried at an earlier start"
    assert len(attempts) == 1
    start(threads=1)
    monkeypatch.setattr(runtime, "installed", lambda: "ai-edge-litert 99")
    start()
    bundle.write(
        path, bundle.read(path, task).flatbuffer, bundle.read(path, task).card.model_copy(update={"name": "x"})
    )
    start()
    assert attempts == [task] * 4
    assert list(tmp_path.glob(".*")) == []


def test_a_model_that_failed_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Perhaps only the board was too busy."""
    path = mine(tmp_path, "mask")
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))

    def fail(*_: object) -> None:
        raise ModelError("no")

    monkeypatch.setattr(trust, "attempt", fail)
    for _ in range(2):
        assert refusal(lambda: parts.build_classifier(MaskSettings(model=str(path)))) == "no"


def test_a_model_no_converter_makes_is_refused_before_it_is_tried(tmp_path: Path, attempts: list[str]) -> None:
    path = mine(tmp_path, "face", hostile_models.hostile("graphs", "face", 0))
    message = refusal(lambda: parts.build_finder(FaceSettings(model=str(path))))
    assert message.startswith(f"model {path}: no converter makes such a model (")
    assert message.endswith(bundle.REBUILD)
    assert attempts == []


# -- what is remembered ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"tried": 3}',
        b'{"tried": [1, null]}',
        b"\xff",
        b"[" * 9999,
        b" " * (remembered_trials.LIMIT + 1),
    ],
)
def test_a_note_that_makes_no_sense_counts_as_lost(tmp_path: Path, content: bytes) -> None:
    (tmp_path / remembered_trials.NAME).write_bytes(content)
    environment = {"STATE_DIRECTORY": str(tmp_path)}
    assert not remembered_trials.knows("a", environment)
    remembered_trials.add("a", environment)
    assert remembered_trials.knows("a", environment)


def test_the_newest_models_are_remembered_and_the_note_stays_small(tmp_path: Path) -> None:
    environment = {"STATE_DIRECTORY": str(tmp_path)}
    for number in range(100):
        remembered_trials.add(f"{number}", environment)
        remembered_trials.add("0", environment)
    known = [number for number in range(100) if remembered_trials.knows(f"{number}", environment)]
    assert known == [0, *range(100 - remembered_trials.MOST + 1, 100)]


def test_where_nothing_can_be_remembered_nothing_fails(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    remembered_trials.add("a", {})
    assert not remembered_trials.knows("a", {})
    assert caplog.records == []
    with caplog.at_level(logging.WARNING):
        remembered_trials.add("a", {"STATE_DIRECTORY": str(tmp_path / "gone")})
    assert "will be tried at each start" in caplog.text


# -- what a person is told ------------------------------------------------------------------------------------------


def test_check_says_whose_each_model_is(tmp_path: Path) -> None:
    path, file = mine(tmp_path, "mask"), tmp_path / "config.toml"
    file.write_text(f'camera.source = "demo"\noutputs.led.pin = 27\nmask.model = "{path}"\n')
    lines = {finding.subject: finding.detail for finding in check.findings(file)}
    assert lines["face model"].startswith(f"default (maskwatch), {trust.OWN}, ")
    assert lines["mask model"].startswith(f"{path}, {trust.FOREIGN}, tried for ")
    assert config.load(file).mask.model == str(path)


# -- YuNet ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"no network", bytes(1000), b"\x08\x07\x12\x07pytorch" * 99])
def test_an_onnx_file_that_is_none_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "yunet.onnx"
    path.write_bytes(content)
    settings = FaceSettings(engine="yunet", model=str(path))
    assert refusal(lambda: parts.build_finder(settings)).startswith(f"model {path}: ")


@pytest.mark.skipif(not (PEERS and YUNET.is_file()), reason=f"MASKWATCH_PEERS names no folder with {YUNET.name}")
def test_yunet_is_tried_and_taken_and_a_damaged_one_is_refused_or_taken(tmp_path: Path) -> None:
    told: list[str] = []
    parts.build_finder(FaceSettings(engine="yunet", model=str(YUNET)), told.append)
    assert told[0].startswith(f"{trust.FOREIGN}, tried for ")
    path, whole = tmp_path / "yunet.onnx", YUNET.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert refusal(lambda: parts.build_finder(FaceSettings(engine="yunet", model=str(path))))
    command = [sys.executable, str(Path(hostile_models.__file__)), "--json", "--count", "20", "--yunet", str(YUNET)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    found = [Outcome(**json.loads(line)) for line in done.stdout.splitlines()]
    assert len(found) == 20
    assert not {outcome.end for outcome in found} & {CRASH, TRACEBACK}
