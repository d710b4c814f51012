"""A source that was left out is compared with a run that learnt it, and each run has a separate folder."""

import json
from pathlib import Path

import numpy as np
import pytest
from annotated_scenes import entry, write

pytest.importorskip("keras", reason="needs extra `train`")

from training.augment.crops import Sample
from training.classifier import cross_validation, recipes, train_classifier
from training.judging import slices, slices_report
from training.pictures import data
from training.runs.knobs import FineTuning, Way

RECIPE = recipes.of_mobilenet_v2(None)
SOURCES = ("street", "pasted", "portraits")
SEEN: dict[str | None, float] = {None: 0.9, "street": 0.2, "pasted": 0.7, "portraits": 0.4}  # how bare all is called


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Replace training and judging by stand-ins whose answers tell which run gave them."""
    trained = []

    def train(
        _recipe: object,
        _portraits: Path,
        _scenes: list[Path],
        out: Path,
        knobs: FineTuning,
        _yunet: Path | None,
        _way: Way,
    ) -> None:
        out.mkdir(parents=True)
        (out / "model.keras").write_text(str(knobs.without))
        trained.append(out)

    def judge(subject: slices_report.Subject) -> list[slices.Judged]:
        assert subject.part == "test"
        text = subject.model.read_text()
        bare = SEEN[None if text == "None" else text]
        faces = [("street", "real"), ("portrait face", "pasted"), ("whole portrait", "real")]
        look = np.zeros((8, 8, 3), np.uint8)
        return [
            slices.Judged(Sample(Path("x"), 1, None), look, bare, data.CLASSES[1], {"source": source, "mask": mask})
            for source, mask in faces
        ]

    monkeypatch.setattr(train_classifier, "train", train)
    monkeypatch.setattr(slices_report, "judge", judge)
    return trained


def source(root: Path, name: str) -> Path:
    """A folder of scenes with one face of this class."""
    write(root, "a", entry(name, 10, 10, 40, 50))
    return root


def test_masks_worn_wrong_are_asked_for_beside_all_faces_of_a_source() -> None:
    assert cross_validation.asked("press") == (("source", "press"), ("worn wrong", "press"))
    assert cross_validation.asked("pasted") == (("mask", "pasted"),)


def test_every_source_with_told_classes_is_left_out_once_and_judged_where_it_shows(
    judged: list[Path], tmp_path: Path
) -> None:
    scenes = [source(tmp_path / "street", "without_mask"), source(tmp_path / "parties", "face")]
    rows = cross_validation.run(RECIPE, tmp_path, scenes, tmp_path / "runs", FineTuning(epochs=3))
    assert [path.name for path in judged] == [f"without-{name}" for name in ("nothing", *SOURCES)]
    assert [json.loads(line) for line in (tmp_path / "runs" / "left-out.jsonl").read_text().splitlines()] == rows
    assert [(row["left_out"], row["without"]["slice"]) for row in rows] == [
        ("street", "street"),
        ("pasted", "pasted"),
        ("portraits", "portrait face"),
        ("portraits", "whole portrait"),
    ]
    for row in rows:  # bare faces all: right where they are called so
        assert row["without"]["right"] == (SEEN[row["left_out"]] >= 0.5)
        assert row["learnt"]["right"] == 1
        assert row["knobs"]["epochs"] == 3


def test_without_scenes_there_is_no_street_to_leave_out(judged: list[Path], tmp_path: Path) -> None:
    cross_validation.run(RECIPE, tmp_path, [], tmp_path / "runs", FineTuning())
    assert [path.name for path in judged] == ["without-nothing", "without-pasted", "without-portraits"]
