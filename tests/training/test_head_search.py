"""Trials of necks, heads, losses and labels on stored features of a finder's trunk."""

import itertools
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from annotated_scenes import entry, write
from click.testing import CliRunner

keras = pytest.importorskip("keras", reason="needs extra `train`")
tf = pytest.importorskip("tensorflow", reason="needs extra `train`")

from keras import ops  # noqa: E402

from maskwatch.errors import ConfigError  # noqa: E402
from maskwatch.flow import Box  # noqa: E402
from training.__main__ import cli  # noqa: E402
from training.finder import (  # noqa: E402
    finder_loss,
    finder_scenes,
    finder_scores,
    head_search,
    head_trials,
    stored_features,
)
from training.finder.finder_knobs import Knobs  # noqa: E402
from training.finder.head_trials import TRIALS, Trial  # noqa: E402
from training.finder.stored_features import SceneFaces  # noqa: E402
from training.judging.detections import Found, Truth  # noqa: E402
from training.networks import finder  # noqa: E402
from training.pictures import data  # noqa: E402
from training.runs import run_folder  # noqa: E402
from training.runs.checkpoints import of_weights  # noqa: E402

KNOBS = Knobs(size=64, batch=2, steps=3, again=4, steps_per_epoch=2, warmup=1)
CELLS = finder_loss.cell_centres(64)


@pytest.fixture(scope="module", autouse=True)
def no_graphs() -> Iterable[None]:
    """Run eagerly: making a graph takes longer than these few small steps."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


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


def heads_of(model: keras.Model, stored: stored_features.Stored) -> keras.Model:
    """Neck and heads of a finder, as a network that takes stored features."""
    inputs = [keras.Input(maps.shape[1:]) for maps in stored.maps]
    heads = keras.Model(inputs, finder.neck_and_heads(inputs, KNOBS.channels))
    for layer in heads.layers:
        if layer.weights:
            layer.set_weights(model.get_layer(layer.name).get_weights())
    return heads


def test_stored_features_are_those_that_the_finder_sees_on_the_scenes_of_a_training(
    model: keras.Model, material: finder_scenes.Material
) -> None:
    stored = stored_features.of(model, material, KNOBS, stored_features.no_teacher)
    images, targets = finder_scenes.Scenes(material, KNOBS, KNOBS.seed)[1]
    heads = heads_of(model, stored)
    by_features = heads.predict_on_batch([maps[2:4].astype(np.float32) for maps in stored.maps])
    for seen, expected in zip(by_features, model.predict_on_batch(images), strict=True):
        np.testing.assert_allclose(seen, expected, atol=0.02)
    taught = np.stack([labels.targets(CELLS, TRIALS["recipe"]) for labels in stored.faces[2:4]])
    assert (taught == targets).all()
    assert len(stored.faces) == 6
    assert [len(maps) for maps in stored.validation] == [len(material.validation)] * 3


def test_a_trial_takes_from_the_teacher_what_it_says_and_the_recipe_nothing() -> None:
    face, other = np.array([[10, 10, 42, 42]], np.float32), np.array([[12, 10, 44, 42], [46, 2, 62, 18]], np.float32)
    labels, alone = SceneFaces(face, np.array([False]), other), SceneFaces(face, np.array([False]), other[:0])
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

    nested = SceneFaces(face, np.array([False]), np.array([[20, 20, 32, 32]], np.float32))  # IoU 0.14
    taught, usual = nested.targets(CELLS, Trial("", teacher_faces=True)), alone.targets(CELLS, recipe)
    changed = taught[:, 0] != usual[:, 0]
    assert (usual[changed, 0] == finder_loss.NEGATIVE).all()  # no cell of the annotated face
    assert (taught[changed, 0] == finder_loss.IGNORED).all()
    for trial in (Trial("", teacher_boxes=True), Trial("", teacher_faces=True)):
        assert (alone.targets(CELLS, trial) == alone.targets(CELLS, recipe)).all()


def test_cells_farther_from_the_centre_learn_a_face_in_a_trial_that_says_so() -> None:
    labels = SceneFaces(np.array([[2, 2, 42, 42]], np.float32), np.array([False]), np.zeros((0, 4), np.float32))
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
    for loss, quality in itertools.product((head_trials.focal, head_trials.varifocal), (0.0, 0.6)):
        with tf.GradientTape() as tape:
            logit = tf.Variable(0.3)
            value = loss(logit, tf.constant(quality))
        slope = losses(loss, [0.301, 0.299], quality) @ [500, -500]  # the factor that weights a cell is learnt from too
        assert float(tape.gradient(value, logit)) == pytest.approx(slope, rel=0.02)
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


def test_faces_are_those_of_the_whole_finder_with_calibrated_scores(
    model: keras.Model, material: finder_scenes.Material
) -> None:
    stored = stored_features.of(model, material, KNOBS, stored_features.no_teacher)
    heads = heads_of(model, stored)
    for stride in finder.STRIDES:  # it must see something
        kernel, bias = heads.get_layer(f"score{stride}").get_weights()
        heads.get_layer(f"score{stride}").set_weights([kernel, bias + 3])
    found = head_search.find(heads, stored, material, KNOBS.size)
    whole = keras.models.clone_model(model)
    whole.set_weights(model.get_weights())
    for layer in heads.layers:
        if layer.weights:
            whole.get_layer(layer.name).set_weights(layer.get_weights())
    assert sum(map(len, found.values())) > 3
    for scene in material.validation:
        answers = finder_scores.answers(whole, data.read_rgb(scene.path), KNOBS.size, 0.05)
        assert [face.score for face in found[scene.key]] == pytest.approx(
            [answer.found.score for answer in answers], abs=0.01
        )


def test_a_gain_has_its_sign_and_an_interval_of_the_same_pictures() -> None:
    square = Box(0, 0, 40, 40)
    truths = {f"{at}": [Truth(square, "face", ignored=False)] for at in range(30)}
    all_found = {name: [Found(square, 0.9)] for name in truths}
    half = {name: all_found[name] for name in list(truths)[::2]}
    assert head_search.gain(all_found, all_found, truths) == {"points": 0.0, "interval95": [0.0, 0.0]}
    more, less = head_search.gain(all_found, half, truths), head_search.gain(half, all_found, truths)
    assert more["points"] == -less["points"] == pytest.approx(50, abs=1)
    low, high = more["interval95"]
    assert 20 < low < more["points"] < high < 80


def test_a_search_goes_on_where_it_was_and_only_new_and_changed_trials_are_trained(
    model: keras.Model,
    material: finder_scenes.Material,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    record = head_search.run(model, material, ["near-1.25"], KNOBS, None, tmp_path, {"told": 1})
    assert json.loads((tmp_path / head_search.RECORD).read_text()) == record
    assert cv2.imread(str(tmp_path / head_search.CHART)).std() > 10
    assert list(record["trials"]) == ["recipe", "near-1.25"]
    assert record["knobs"]["ema"] == 0  # of four steps, the first ones count for nothing
    assert record["trials"]["near-1.25"]["settings"] == TRIALS["near-1.25"].settings
    for row in record["trials"].values():
        assert (row["faces"], row["images"]) == (len(material.validation), len(material.validation))
        assert row["by_source"]["street"] == {"faces": row["faces"], "face_ap50": row["face_ap50"]}
    assert "near-1.25: AP50" in capsys.readouterr().out

    more = head_search.run(model, material, ["floor-1"], KNOBS, None, tmp_path, {"told": 1})
    assert {name: more["trials"][name] for name in record["trials"]} == record["trials"]
    assert list(more["trials"]) == ["recipe", "near-1.25", "floor-1"]
    assert [line.split(",")[0] for line in capsys.readouterr().out.splitlines() if "epoch 1 of" in line] == ["floor-1"]

    monkeypatch.setitem(TRIALS, "floor-1", replace(TRIALS["floor-1"], floor=0.9))
    changed = head_search.run(model, material, ["near-1.25", "floor-1"], KNOBS, None, tmp_path, {"told": 1})
    assert changed["trials"]["floor-1"]["settings"]["floor"] == 0.9
    assert {name: changed["trials"][name] for name in record["trials"]} == record["trials"]
    told = capsys.readouterr().out
    assert "floor-1.weights.h5: of another training, so this phase starts again" in told
    assert told.count("epoch 1 of") == 1

    with pytest.raises(ConfigError, match="is of a search with other pictures"):
        head_search.run(model, material, [], KNOBS, None, tmp_path, {"told": 2})


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"key": "k"}', '{"key": "k", "trials": 5}'])
def test_a_damaged_record_is_named_and_kept(tmp_path: Path, text: str) -> None:
    (tmp_path / head_search.RECORD).write_text(text)
    with pytest.raises(ConfigError, match=r"head-search\.json cannot be read .*; delete it, or name another --out"):
        head_search.begun(tmp_path, "k")
    assert (tmp_path / head_search.RECORD).read_text() == text


def test_each_trial_changes_one_thing_but_one_that_joins_two() -> None:
    recipe = Trial("")
    for name, trial in TRIALS.items():
        changed = [field for field in Trial.__slots__ if getattr(trial, field) != getattr(recipe, field)]
        expected = {
            "recipe": ["what"],
            "varifocal": ["what", "score_loss", "floor"],  # that loss has its own quality
            "varifocal-near-1.25": ["what", "near", "score_loss", "floor"],
        }
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
    CliRunner().invoke(cli, [*arguments, "--quick", "--seed", "5", "--trial", "floor-1"], catch_exceptions=False)
    ((given, material, names, knobs, teacher, out, told),) = asked
    assert of_weights(given) == of_weights(model)
    assert (len(material.validation), names, teacher, out) == (2, ("floor-1",), None, tmp_path / "out")
    assert (knobs.size, knobs.steps, knobs.again, knobs.batch, knobs.seed) == (64, 4, 10, 16, 5)
    assert (told["quick"], told["sources"], told["teacher_sha256"]) == (True, ["street"], None)
    assert material.sha256 == finder_scenes.gather([street], None, shipped.seed, 40).sha256

    # Whether this trial needs a teacher does not change the search, so one that does can be added to the record
    yunet = tmp_path / "yunet.onnx"
    yunet.write_bytes(b"a teacher")
    CliRunner().invoke(
        cli, [*arguments, "--quick", "--trial", "floor-1", "--yunet", str(yunet)], catch_exceptions=False
    )
    *_, teacher, _, told = asked.pop()
    assert (teacher, told["teacher_sha256"]) == (None, run_folder.file_sha256(yunet))

    refused = CliRunner().invoke(cli, [*arguments, "--again", "260"])
    assert isinstance(refused.exception, ConfigError)
    assert "again 260: expected a multiple of 250" in str(refused.exception)
    refused = CliRunner().invoke(cli, [*arguments, "--steps", "0"])
    assert "steps 0: expected at least 1" in str(refused.exception)
    assert len(asked) == 1
