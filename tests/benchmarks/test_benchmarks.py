"""The real daemon is measured, records name their machine, and the README's tables equal the records."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import measured
import numpy as np
import pytest
from needed import BUNDLES, DEMO

from benchmarks import host, records
from benchmarks.__main__ import cli
from benchmarks.daemon import startup
from benchmarks.networks import models
from benchmarks.report import readme
from benchmarks.report.readme import speed, tables
from maskwatch.camera import demo
from maskwatch.daemon.timing import STAGES
from maskwatch.errors import ConfigError, MaskwatchError, ModelError
from maskwatch.vision import bundle


@pytest.mark.parametrize("document", readme.DOCUMENTS, ids=lambda path: path.name)
def test_a_documents_tables_are_what_the_records_say(document: Path) -> None:
    text = document.read_text()
    assert readme.refreshed(text) == text, "stale; run `python -m benchmarks readme`"


def test_every_table_is_shown() -> None:
    shown = {name for path in readme.DOCUMENTS for _, name, _ in readme.TABLE.findall(path.read_text())}
    assert shown == set(readme.TABLES)


def test_a_stale_table_is_seen() -> None:
    text = "before\n<!-- table starts -->\n| old |\n<!-- end -->\nafter"
    fresh = readme.refreshed(text)
    assert fresh != text
    assert fresh.startswith("before\n<!-- table starts -->\n| board |")
    assert fresh.endswith("<!-- end -->\nafter")


def test_an_unknown_table_is_refused() -> None:
    with pytest.raises(MaskwatchError, match="table beauty is unknown; expected one of"):
        readme.refreshed("<!-- table beauty -->\n<!-- end -->")


@pytest.mark.parametrize(
    ("board", "folder"),
    [
        ("Raspberry Pi 5 Model B Rev 1.0", "raspberry-pi-5-model-b-rev-1-0"),
        ("Intel(R) Xeon(R) CPU @ 2.20GHz", "intel-r-xeon-r-cpu-2-20ghz"),
    ],
)
def test_a_board_names_its_folder(board: str, folder: str) -> None:
    assert host.slug(board) == folder


@BUNDLES
@DEMO
def test_a_measurement_is_complete_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup, "STARTS", 1)
    monkeypatch.setattr(startup, "FRAMES", 10)
    record = startup.measure()
    path = records.save(record, tmp_path)
    assert (path.name, json.loads(path.read_text())) == ("device.json", record)
    assert set(record["frames_ms"]) == set(STAGES)
    assert {len(values) for values in record["frames_ms"].values()} == {10}
    assert min(record["frames_ms"]["classify"]) > 0  # a face was found in every frame
    (start,) = record["starts"]
    assert 0 < start["import_s"] + start["models_s"] < start["first_verdict_s"]
    assert start["peak_rss_mb"] > 20
    assert record["host"]["board"]


# -- models against each other --------------------------------------------------------------------------------------

YUNET = Path(os.environ.get("MASKWATCH_PEERS", "/nonexistent")) / "yunet_s_640_640.onnx"


@pytest.fixture(autouse=True)
def cores() -> Iterator[None]:
    """Give OpenCV its threads back, since a measurement leaves it only one."""
    before = cv2.getNumThreads()
    yield
    cv2.setNumThreads(before)


def runner(name: str, calls: list[str], file: Path) -> models.Runner:
    return models.Runner(name, "network", file, 8, lambda: calls.append(name))


def test_models_are_called_in_turns_and_warm_ups_are_not_counted(tmp_path: Path) -> None:
    file, calls = tmp_path / "model.tflite", list[str]()
    file.write_bytes(b"a model")
    record = models.measure([runner("ours", calls, file), runner("theirs", calls, file)], {"ours": "theirs"}, rounds=3)
    assert calls == ["ours", "theirs"] * (models.WARM_UPS + 3)
    assert [len(model["ms"]) for model in record["models"]] == [3, 3]
    assert all(time >= 0 for model in record["models"] for time in model["ms"])
    assert record["against"] == {"ours": "theirs"}
    assert {model["sha256"] for model in record["models"]} == {hashlib.sha256(b"a model").hexdigest()}


@BUNDLES
@DEMO
def test_a_comparison_is_complete_and_kept(tmp_path: Path) -> None:
    mask, face = bundle.default_path("mask"), bundle.default_path("face")
    runners = [models.finder("face finder", face), models.network("mask classifier", mask)]
    record = models.measure(runners, {}, rounds=2)
    path = records.save(record, tmp_path)
    assert path == tmp_path / host.slug(record["host"]["board"]) / "models.json"
    assert json.loads(path.read_text()) == record
    assert (record["kind"], record["threads"], record["warm_ups"]) == ("models", 1, models.WARM_UPS)
    for found, name, kind, file, task in (
        (record["models"][0], "face finder", "finder", face, "face"),
        (record["models"][1], "mask classifier", "network", mask, "mask"),
    ):
        size = bundle.read(file, task).card.input_size
        assert (found["name"], found["kind"], found["input_size"]) == (name, kind, size)
        assert found["bytes"] == file.stat().st_size
        assert found["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
        assert len(found["ms"]) == 2
        assert min(found["ms"]) > 0


@DEMO
@pytest.mark.parametrize("size", [128, 320])
def test_finders_are_timed_on_a_picture_with_a_face(size: int) -> None:
    picture = models.scene(size)
    assert (picture.shape, picture.dtype) == ((size, size, 3), np.uint8)
    skin = (picture[..., 0] > 120) & (picture[..., 0] > picture[..., 2] + 25.0)
    assert skin[:, size // 4 : 3 * size // 4].mean() > 0.05


@BUNDLES
@DEMO
def test_the_finder_that_is_timed_finds_that_face() -> None:
    found = models.finder("face finder", bundle.default_path("face")).run()
    assert isinstance(found, list)
    assert len(found) == 1


@DEMO
@pytest.mark.skipif(not YUNET.is_file(), reason=f"MASKWATCH_PEERS names no folder with {YUNET.name}")
def test_yunet_is_timed_at_the_size_asked_for_and_finds_that_face() -> None:
    theirs = models.yunet(YUNET, 320)
    assert (theirs.name, theirs.kind, theirs.input_size) == ("YuNet 320", "finder", 320)
    found = theirs.run()
    assert isinstance(found, list)
    assert len(found) == 1


@pytest.mark.parametrize(("content", "expected"), [(None, "No such file"), (b"junk" * 9, "the runtime cannot run it")])
def test_a_model_that_cannot_be_timed_is_refused(tmp_path: Path, content: bytes | None, expected: str) -> None:
    path = tmp_path / "x.tflite"
    if content:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=rf"^model {path}: {expected}"):
        models.network("x", path)


@BUNDLES
@DEMO
def test_the_command_holds_the_shipped_models_against_those_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mask = bundle.default_path("mask")
    arguments = ["models", f"study={mask}", "--reference", "study", "--rounds", "1", "--results", str(tmp_path)]
    cli(arguments, standalone_mode=False)
    (path,) = tmp_path.rglob("models.json")
    assert f"wrote {path}" in capsys.readouterr().out
    record = json.loads(path.read_text())
    names = [model["name"] for model in record["models"]]
    assert names == ["face finder", "mask classifier", "face finder, far", "study"]
    assert record["against"] == {"mask classifier": "study"}


@BUNDLES
@DEMO
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["study"], "model study: expected NAME=FILE.tflite"),
        (["=x.tflite"], "model =x.tflite: expected NAME=FILE.tflite"),
        (["--reference", "study"], "--reference study: not among the models; add study=FILE.tflite"),
    ],
)
def test_a_comparison_that_makes_no_sense_is_refused(tmp_path: Path, arguments: list[str], expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        cli(["models", *arguments, "--results", str(tmp_path)], standalone_mode=False)
    assert str(caught.value) == expected
    assert list(tmp_path.iterdir()) == []


def test_the_table_of_models_tells_the_median_its_spread_and_the_ratio(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def model(name: str, *ms: float) -> dict[str, Any]:
        return {"name": name, "kind": "network", "input_size": 128, "bytes": 2_500_000, "sha256": "", "ms": ms}

    record = {
        "schema": 1,
        "kind": "models",
        "host": measured.record(board="A board")["host"],
        "threads": 1,
        "warm_ups": 5,
        "against": {"ours": "study"},
        "models": [model("ours", *range(1, 12)), model("study", *range(10, 111, 10))],
    }
    monkeypatch.setattr(tables, "ROOT", tmp_path)
    records.save(record, tmp_path / "benchmarks" / "results")
    ours, study = speed.models().splitlines()[-2:]
    assert ours == "| A board | ours | 128 px | 2.50 MB | 6.00 (2.00–10.00) ms | 0.10 × study |"
    assert study.endswith("| 60.00 (20.00–100.00) ms | – |")


@BUNDLES
@DEMO
def test_a_starts_memory_is_its_own_not_its_parents(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "bare.png"), demo.Scene().at(startup.BARE_AT)[..., ::-1])
    ballast = b"x" * 400_000_000
    assert startup.first_verdict(tmp_path / "bare.png")["peak_rss_mb"] < len(ballast) / 1e6
