"""Candidates are judged by the device's code, timed in turns, and listed with their counts."""

import json
from pathlib import Path
from typing import Any

import measured
import pytest
from annotated_scenes import entry, write
from needed import BUNDLES
from photographs import blotches, save

pytest.importorskip("sklearn", reason="needs extra `train`")

import cv2

from benchmarks import records
from benchmarks.__main__ import cli
from benchmarks.networks import models, search
from benchmarks.report.readme import quality, tables
from maskwatch.errors import ConfigError, ModelError
from maskwatch.vision import bundle
from training.pictures import data

PHOTOS = 30


@pytest.fixture
def material(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> search.Material:
    monkeypatch.setattr(data, "HASH_CACHE", tmp_path / "hashes.csv")
    for seed in range(PHOTOS):
        save(tmp_path, f"portraits/{data.LABELS[seed % 2]}/{seed}.png", seed)
        write(tmp_path / "scenes", f"{seed}", entry("without_mask", 10, 10, 60, 70))
        cv2.imwrite(str(tmp_path / "scenes" / "images" / f"{seed}.png"), blotches(100 + seed))
    return search.Material(tmp_path / "portraits", [tmp_path / "scenes"])


@BUNDLES
def test_every_candidate_is_timed_and_judged_on_both_held_out_parts(
    material: search.Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "WARM_UPS", 0)
    mask, face = bundle.default_path("mask"), bundle.default_path("face")
    record = search.measure({"classifier": mask}, {"finder": face}, material, rounds=2)
    assert record["kind"] == "search"
    classifier, finder = record["models"]
    assert [len(row["ms"]) for row in record["models"]] == [2, 2]
    split = data.load(material.portraits).split(0)
    for part in search.PARTS:
        assert classifier["quality"][part]["whole portrait"]["n"] == len(getattr(split, part)) > 0
        assert classifier["quality"][part]["scenes"]["n"] > 0
        assert finder["quality"][part]["portraits with a face found"]["n"] == len(getattr(split, part))
        assert finder["quality"][part]["AP50, faces from 40 px"]["n"] > 0
    for row in record["models"]:
        for found in (*row["quality"]["test"].values(), *row["quality"]["validation"].values()):
            low, high = found["interval95"]
            assert 0 <= low <= found["value"] <= high <= 1

    picture = records.path(record, tmp_path).with_suffix(".png")
    picture.parent.mkdir()
    search.draw(record, picture)
    assert cv2.imread(str(picture)).shape[0] > 500


def test_a_share_comes_with_its_count_and_interval() -> None:
    found = search.share([True] * 9 + [False])
    assert (found["value"], found["n"]) == (0.9, 10)
    assert found["interval95"] == pytest.approx([0.596, 0.982], abs=0.001)  # Wilson, from a table
    assert search.share([])["n"] == 0


@BUNDLES
def test_a_bundle_of_the_other_task_is_refused_before_anything_is_measured(material: search.Material) -> None:
    with pytest.raises(ModelError, match="made for task 'face', expected 'mask'"):
        search.measure({"classifier": bundle.default_path("face")}, {}, material)


def test_no_candidate_is_refused(material: search.Material) -> None:
    with pytest.raises(ConfigError, match="no candidate; give --mask NAME=BUNDLE"):
        cli(
            ["search", "--data", str(material.portraits), "--scenes", str(material.scenes[0])],
            standalone_mode=False,
        )


def test_the_table_puts_the_quickest_first_and_tells_both_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def model(name: str, ms: float, right: float) -> dict[str, Any]:
        found = {"faces": {"value": right, "interval95": [right - 0.01, right + 0.005], "n": 10}}
        quality = {"validation": found, "test": found}
        known = {"kind": "network", "input_size": 128, "bytes": 1_500_000, "sha256": ""}
        return {"name": name, **known, "ms": [ms], "quality": quality}

    record = {
        "schema": 1,
        "kind": "search",
        "host": measured.record(board="A board")["host"],
        "threads": 1,
        "warm_ups": 5,
        "against": {},
        "models": [model("slow", 10.0, 0.99), model("quick", 1.5, 0.98)],
    }
    monkeypatch.setattr(tables, "ROOT", tmp_path)
    path = records.save(record, tmp_path / "benchmarks" / "results")
    assert json.loads(path.read_text())["kind"] == "search"
    lines = quality.search().splitlines()
    assert lines[0] == "| mask classifier | ms | MB | faces |"
    assert lines[2] == "| quick | 1.50 | 1.50 | 98.0 %; 98.0 % (97.0–98.5) |"
    assert lines[3].startswith("| slow | 10.00 |")
