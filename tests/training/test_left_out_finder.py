"""A finder is judged on the source that it was not trained on, beside the finder that it continued from."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from annotated_scenes import entry, write

keras = pytest.importorskip("keras", reason="needs extra `train`")

from maskwatch.errors import ConfigError  # noqa: E402
from training.__main__ import cli  # noqa: E402
from training.finder import left_out_finder, train_finder  # noqa: E402
from training.networks import finder  # noqa: E402
from training.pictures import voc  # noqa: E402
from training.runs import checkpoints, run_folder  # noqa: E402

KNOBS = train_finder.Knobs(size=64, batch=2, steps_per_epoch=2, again=2, warmup=1)


def source(root: Path, seed: int) -> Path:
    """40 scenes, each with a bright square as its face."""
    rng = np.random.default_rng(seed)
    for number in range(40):
        left, top = (int(at) for at in rng.integers(2, 60, 2))
        path = write(root, f"{seed}-{number}", entry("face", left, top, left + 32, top + 32))
        image = rng.integers(0, 60, (96, 96, 3), np.uint8)
        image[top : top + 32, left : left + 32] = 220
        cv2.imwrite(str(root / "images" / f"{path.stem}.png"), image)
    return root


@pytest.fixture
def start(tmp_path: Path) -> Path:
    keras.utils.set_random_seed(0)
    finder.build(KNOBS.size, KNOBS.alpha, KNOBS.channels, stem=KNOBS.stem).save(tmp_path / "start.keras")
    return tmp_path / "start.keras"


def weights(path: Path) -> str:
    return checkpoints.of_weights(keras.models.load_model(path, compile=False))


def test_a_source_is_judged_by_a_finder_that_learnt_the_others(
    tmp_path: Path, start: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, judge = [], left_out_finder.judge
    monkeypatch.setattr(
        left_out_finder,
        "judge",
        lambda model, *rest: asked.append(checkpoints.of_weights(model)) or judge(model, *rest),
    )
    sources = [source(tmp_path / name, seed) for seed, name in enumerate(("street", "party"))]
    (row,) = left_out_finder.run(sources, ["party"], None, start, tmp_path / "runs", KNOBS)
    assert json.loads((tmp_path / "runs" / left_out_finder.RECORD).read_text()) == [row]
    assert (row["left_out"], row["learnt"], row["batches"]) == ("party", ["street"], 2)
    assert run_folder.read(tmp_path / "runs" / "without-party" / "model.keras").knobs["rounded"] == 0
    for figures in (row["start"], row["without"]):
        assert (figures["images"], figures["faces"], figures["min_side"]) == (32, 32, 24.0)  # all but its test part
    again = keras.models.load_model(tmp_path / "runs" / "without-party" / "model.keras", compile=False)
    threshold = row["without"]["threshold"]
    assert asked == [weights(start), weights(tmp_path / "runs" / "without-party" / "model.keras")]
    assert judge(again, voc.split(voc.load(sources[1]), 0), threshold, KNOBS.size) == row["without"]
    assert "party, not learnt: AP50" in left_out_finder.line(row)
    assert "32 faces from 24 px" in left_out_finder.line(row)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pary", "of pary: no such source; expected one of street, hall"),
        ("hall", "of hall: no annotated face to judge a finder on"),
    ],
)
def test_what_cannot_be_left_out_is_refused_before_any_training(
    tmp_path: Path, start: Path, name: str, expected: str
) -> None:
    sources = [source(tmp_path / "street", 0), tmp_path / "hall"]
    for number in range(10):
        write(sources[1], f"empty-{number}")
    with pytest.raises(ConfigError, match=expected):
        left_out_finder.run(sources, [name], None, start, tmp_path / "runs", KNOBS)
    assert not (tmp_path / "runs").exists()


def test_the_command_asks_for_what_it_was_told(tmp_path: Path, start: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(left_out_finder, "run", lambda *words: asked.extend(words) or [])
    words = ["--data", str(tmp_path), "--of", "party", "--start", str(start), "--out", str(tmp_path / "runs")]
    cli(["left-out-finder", *words, "--again", "500", "--rate", "0.001"], standalone_mode=False)
    assert asked[:5] == [(tmp_path,), ("party",), None, start, tmp_path / "runs"]
    assert (asked[5].again, asked[5].rate, asked[5].frozen) == (500, 0.001, "")
