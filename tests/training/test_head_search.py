"""Trials of necks, heads, losses and labels on stored features of a finder's trunk."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from annotated_scenes import entry, write
from click.testing import CliRunner

keras = pytest.importorskip("keras", reason="needs extra `train`")

from keras import ops  # noqa: E402

from maskwatch.errors import ConfigError  # noqa: E402
from training.__main__ import cli  # noqa: E402
from training.finder import finder_loss, finder_scenes, head_search, head_trials, stored_features  # noqa: E402
from training.finder.finder_knobs import Knobs  # noqa: E402
from training.finder.head_trials import TRIALS, Trial  # noqa: E402
from training.finder.stored_features import Labels  # noqa: E402
from training.networks import finder  # noqa: E402
from training.runs import run_folder  # noqa: E402
from training.runs.checkpoints import of_weights  # noqa: E402

KNOBS = Knobs(size=64, batch=2, steps=3, again=4, steps_per_epoch=2, warmup=1)
CELLS = finder_loss.cell_centres(64)


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 scenes, each with a bright square as its face."""
    root = tmp_path_factory.mktemp("data") / "street"
    rng = np.random.default_rng(0)
    for number in range(20):
        left, top = (int(at) for at in rng.integers(2, 60, 2))
        path = write(root, f"{number}", entry("face", left, top, left + 32, top + 32))
        image = rng.integers(0, 60, (96, 96, 3), np.uint8)
        image[top : top + 32, left : left + 32] = 220
        cv2.imwrite(str(root / "images" / f"{path.stem}.png"), image)
    return root


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(0)
    return finder.build(64, stem=8)


@pytest.fixture(scope="module")
def material(street: Path) -> finder_scenes.Material:
    return finder_scenes.gather([street], None, 0)


def test_stored_features_are_those_that_the_finder_sees_on_the_scenes_of_a_training(
    model: keras.Model, material: finder_scenes.Material
) -> None:
    stored = stored_features.of(model, material, KNOBS, stored_features.no_teacher)
    images, targets = finder_scenes.Scenes(material, KNOBS, KNOBS.seed)[1]
    inputs = [keras.Input(maps.shape[1:]) for maps in stored.maps]
    heads = keras.Model(inputs, finder.neck_and_heads(inputs, KNOBS.channels))
    for layer in heads.layers:
        if layer.weights:
            layer.set_weights(model.get_layer(layer.name).get_weights())
    by_features = heads.predict_on_batch([maps[2:4].astype(np.float32) for maps in stored.maps])
    for seen, expected in zip(by_features, model.predict_on_batch(images), strict=True):
        np.testing.assert_allclose(seen, expected, atol=0.02)
    taught = np.stack([labels.targets(CELLS, TRIALS["recipe"]) for labels in stored.labels[2:4]])
    assert (taught == targets).all()
    assert len(stored.labels) == 6
    assert [len(maps) for maps in stored.judged] == [len(material.validation)] * 3


def test_a_trial_takes_from_the_teacher_what_it_says_and_the_recipe_nothing() -> None:
    face, other = np.array([[10, 10, 42, 42]], np.float32), np.array([[12, 10, 44, 42], [46, 2, 62, 18]], np.float32)
    labels, alone = Labels(face, np.array([False]), other), Labels(face, np.array([False]), other[:0])
    recipe = TRIALS["recipe"]
    assert (labels.targets(CELLS, recipe) == alone.targets(CELLS, recipe)).all()

    boxes = labels.targets(CELLS, Trial("", teacher_boxes=True))
    positive = boxes[:, 0] == finder_loss.POSITIVE
    assert (boxes[positive, 1:] == [11, 10, 43, 42]).all()
    assert positive.any()

    faces = labels.targets(CELLS, Trial("", teacher_faces=True))
    in_the_second = (np.abs(CELLS[:, :2] - [54, 10]) <= 8).all(axis=1)
    assert (faces[in_the_second, 0] == finder_loss.IGNORED).all()
    assert (alone.targets(CELLS, recipe)[in_the_second, 0] == finder_loss.NEGATIVE).all()
    assert (faces[~in_the_second] == alone.targets(CELLS, recipe)[~in_the_second]).all()
    for trial in (Trial("", teacher_boxes=True), Trial("", teacher_faces=True)):
        assert (alone.targets(CELLS, trial) == alone.targets(CELLS, recipe)).all()


def test_cells_farther_from_the_centre_learn_a_face_in_a_trial_that_says_so() -> None:
    labels = Labels(np.array([[2, 2, 42, 42]], np.float32), np.array([False]), np.zeros((0, 4), np.float32))
    counts = [
        int((labels.targets(CELLS, TRIALS[name])[:, 0] == finder_loss.POSITIVE).sum())
        for name in ("near-0.5", "recipe", "near-1.25")
    ]
    assert counts[0] < counts[1] < counts[2]


def losses(loss: finder_loss.ScoreLoss, logits: list[float], quality: float) -> np.ndarray:
    given = ops.convert_to_tensor(np.array(logits, np.float32))
    return np.asarray(loss(given, ops.full_like(given, quality)))


def test_the_losses_are_those_of_their_papers() -> None:
    half = np.log(2)  # cross-entropy of a score of 0.5
    assert losses(head_trials.focal, [0.0], 0.0) == pytest.approx(0.75 * 0.25 * half)
    assert losses(head_trials.focal, [0.0], 0.7) == pytest.approx(0.25 * 0.25 * half)  # however good the box is
    assert losses(head_trials.varifocal, [0.0], 0.0) == pytest.approx(0.75 * 0.25 * half)
    assert losses(head_trials.varifocal, [0.0], 0.6) == pytest.approx(0.6 * half)
    assert losses(finder_loss.quality_focal, [0.0], 0.8) == pytest.approx(0.09 * half)
    certain = losses(head_trials.varifocal, [-9.0, 0.0, 3.0], 0.0)
    assert (np.diff(certain) > 0).all()  # background is punished more the more certain it looks


@pytest.mark.parametrize(("floor", "quality"), [(0.0, 0.5), (0.5, 0.75), (1.0, 1.0)])
def test_the_floor_is_the_least_quality_of_a_cell_on_a_face(floor: float, quality: float) -> None:
    seen = []
    loss = finder_loss.FinderLoss(64, lambda logit, target: seen.append(np.asarray(target)) or logit, floor)
    loss.overlaps = lambda true, _: (ops.full(true.shape[:2], 0.5), ops.zeros(true.shape[:2]))
    state = np.zeros((1, len(CELLS), 5), np.float32)
    state[0, 3, 0] = finder_loss.POSITIVE
    loss(state, np.zeros_like(state))
    assert seen[0][0, 3] == pytest.approx(quality)
    assert (np.delete(seen[0][0], 3) == 0).all()


def test_a_search_compares_each_trial_with_the_recipe_and_continues_where_it_was(
    model: keras.Model, material: finder_scenes.Material, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = head_search.run(model, material, ["near-1.25"], KNOBS, None, tmp_path, {"told": 1})
    assert json.loads((tmp_path / head_search.RECORD).read_text()) == record
    assert cv2.imread(str(tmp_path / head_search.CHART)).std() > 10
    assert list(record["trials"]) == ["recipe", "near-1.25"]
    recipe, other = record["trials"].values()
    assert recipe["gain"] == {"points": 0.0, "interval95": [0.0, 0.0]}
    assert recipe["faces"] == other["faces"] == len(material.validation)
    assert other["gain"]["points"] == pytest.approx(100 * (other["face_ap50"] - recipe["face_ap50"]), abs=0.02)
    assert recipe["by_source"]["street"]["face_ap50"] == recipe["face_ap50"]
    assert "near-1.25: AP50" in capsys.readouterr().out

    assert head_search.run(model, material, ["near-1.25"], KNOBS, None, tmp_path, {"told": 1}) == record
    told = capsys.readouterr().out
    assert "going on after epoch 2" in told
    assert "epoch 1 of" not in told  # nothing is trained twice


def test_each_trial_changes_one_thing() -> None:
    recipe = Trial("")
    for name, trial in TRIALS.items():
        changed = [field for field in Trial.__slots__ if getattr(trial, field) != getattr(recipe, field)]
        expected = {"recipe": ["what"], "varifocal": ["what", "score_loss", "floor"]}  # that loss has its own quality
        assert changed == expected.get(name, [*changed[:1], changed[-1]])
        assert changed[0] == "what"
    assert len({replace(trial, what="") for trial in TRIALS.values()}) == len(TRIALS)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["near"], "trial near: no such trial; expected one of recipe, "),
        (["teacher-faces"], "trial teacher-faces: needs a teacher; give --yunet"),
    ],
)
def test_what_cannot_be_tried_is_refused(names: list[str], expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        head_search.chosen(names, taught=False)
    assert not any(trial.needs_teacher for trial in head_search.chosen([], taught=False).values())
    assert list(head_search.chosen([], taught=True)) == list(TRIALS)


def test_the_command_searches_with_the_finder_and_the_pictures_that_it_is_given(
    model: keras.Model, street: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(head_search, "run", lambda *given: asked.append(given))
    run_folder.save(model, tmp_path / "model.keras")
    shipped = run_folder.read(Path(__file__).parents[2] / "training/models/face/model.keras")
    run_folder.write(tmp_path, shipped.model_copy(update={"input_size": 64}))
    arguments = ["head-search", str(tmp_path / "model.keras"), "--data", str(street), "--out", str(tmp_path / "out")]
    CliRunner().invoke(cli, [*arguments, "--quick", "--trial", "floor-1"], catch_exceptions=False)
    ((given, material, names, knobs, teacher, out, told),) = asked
    assert of_weights(given) == of_weights(model)
    assert (len(material.validation), names, teacher, out) == (2, ("floor-1",), None, tmp_path / "out")
    assert (knobs.size, knobs.steps, knobs.again, knobs.batch) == (64, 4, 10, 16)
    assert (told["quick"], told["sources"]) == (True, ["street"])

    refused = CliRunner().invoke(cli, [*arguments, "--again", "260"])
    assert isinstance(refused.exception, ConfigError)
    assert "again 260: expected a multiple of 250" in str(refused.exception)
    assert len(asked) == 1
