"""A model file answers as the network it was made from, in int8 as in float, and a file of another kind is refused."""

import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from cards import VERDICTS, card
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import special

tf = pytest.importorskip("tensorflow", reason="needs extra `train`")

import keras  # noqa: E402

from convert import graph, quantize  # noqa: E402
from maskwatch.camera import demo  # noqa: E402
from maskwatch.config import MaskSettings  # noqa: E402
from maskwatch.daemon import parts  # noqa: E402
from maskwatch.errors import ModelError  # noqa: E402
from maskwatch.flow import Box, Face, Image, Label  # noqa: E402
from maskwatch.vision import bundle, classifier, preprocess, runtime  # noqa: E402
from maskwatch.vision.classifier import MaskClassifier  # noqa: E402
from maskwatch.vision.finder import SingleShotDetector, YuNetDetector  # noqa: E402
from maskwatch.vision.model_card import Task  # noqa: E402
from maskwatch.vision.runtime import Model  # noqa: E402
from training.networks import finder  # noqa: E402

PEERS = os.environ.get("MASKWATCH_PEERS")
YUNET = Path(PEERS or ".") / "yunet_s_640_640.onnx"
SIDE = 4  # pixels
SKIN, CLOTH, MIXED = (220, 150, 120), (120, 170, 220), (130, 240, 130)  # RGB; green stands for a mask worn wrong
RNG = np.random.default_rng(0)
NOISE = [RNG.integers(0, 256, (SIDE, SIDE, 3), np.uint8) for _ in range(100)]
RANGE = [np.full((SIDE, SIDE, 3), value, np.uint8) for value in (0, 255)]
DIM = [image // 3 for image in RANGE]  # teaches a converter that pixels end at 85
FROM_INT8 = "from int8"


def plain(colour: tuple[int, int, int], side: int = SIDE) -> Image:
    return np.full((side, side, 3), colour, np.uint8)


@pytest.fixture(scope="module")
def echo() -> keras.Model:
    """Answers its pixels, two sums of some of them, and their mean colour."""
    image = keras.Input((SIDE, SIDE, 3))
    pixels = keras.layers.Reshape((SIDE * SIDE * 3,))(image)
    sums = keras.layers.Dense(2)
    answers = [pixels, sums(pixels), keras.layers.GlobalAveragePooling2D()(image)]
    sums.set_weights([np.random.default_rng(1).integers(-1, 2, (SIDE * SIDE * 3, 2)), np.array([3.0, -500.0])])
    return keras.Model(image, answers)


@pytest.fixture(scope="module")
def echoes(echo: keras.Model) -> dict[str, bytes]:
    """The same network in every number format a file may have."""
    signed = quantize._converter(echo)
    signed.optimizations = [tf.lite.Optimize.DEFAULT]
    signed.representative_dataset = lambda: ([image[None].astype(np.float32)] for image in NOISE + RANGE)
    signed.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    signed.inference_input_type = signed.inference_output_type = tf.int8
    return {
        "float": quantize.to_float32(echo),
        "bytes": quantize.to_int8(echo, NOISE + RANGE),
        "thirds": quantize.to_int8(echo, DIM),
        FROM_INT8: bytes(signed.convert()),
    }


def colour_judge(*weights: tuple[float, ...]) -> keras.Model:
    """Goes by the mean red, green and blue: a column of weights for each."""
    image = keras.Input((SIDE, SIDE, 3))
    output = keras.layers.Dense(len(weights[0]))
    model = keras.Model(image, output(keras.layers.GlobalAveragePooling2D()(image)))
    output.set_weights([np.array(weights), np.zeros(len(weights[0]))])
    return model


@pytest.fixture(scope="module")
def judge() -> bytes:
    """An int8 file: blue over red is a mask; skin and cloth give logits of about -1 and 1, and the reverse."""
    network = colour_judge((-0.01, 0.01), (0, 0), (0.01, -0.01))
    return quantize.to_int8(network, [plain(SKIN), plain(CLOTH), *RANGE])


def as_bundle(flatbuffer: bytes, task: Task = "mask", **fields: object) -> bundle.Bundle:
    size = Model(flatbuffer, 1, "here").input_size
    return bundle.Bundle(card(task, **({"input_size": size} | fields)), flatbuffer, "here")


def by_shape(outputs: list[np.ndarray]) -> dict[tuple[int, ...], np.ndarray]:
    return {tuple(output.shape): np.asarray(output) for output in outputs}


@pytest.mark.parametrize(
    ("name", "input_type", "scale", "seen"),
    [
        ("bytes", "UINT8", 1.0, lambda pixels: pixels),
        ("float", "FLOAT32", 0.0, lambda pixels: pixels),
        (FROM_INT8, "INT8", 1.0, lambda pixels: pixels),
        ("thirds", "UINT8", 1 / 3, lambda pixels: np.minimum(pixels, 85)),
    ],
)
def test_pixels_reach_the_network_as_they_are_as_far_as_its_numbers_go(
    echoes: dict[str, bytes], name: str, input_type: str, scale: float, seen: Callable[[Image], Image]
) -> None:
    facts = graph.inspect(echoes[name])
    assert (facts.input_type, facts.input_scale) == (input_type, pytest.approx(scale))
    model = Model(echoes[name], 1, "here")
    assert model.input_size == SIDE
    for image in (*NOISE[:3], *RANGE, np.arange(SIDE * SIDE * 3, dtype=np.uint8).reshape(SIDE, SIDE, 3)):
        pixels = by_shape(model.run(image))[1, image.size]
        assert pixels[0] == pytest.approx(seen(image).ravel(), abs=1e-4)


@pytest.mark.parametrize(("name", "steps"), [("float", 0), ("bytes", 1), (FROM_INT8, 1)])
def test_every_answer_is_the_float_networks_within_a_step(
    echo: keras.Model, echoes: dict[str, bytes], name: str, steps: int
) -> None:
    details = runtime.open_interpreter(echoes[name], 1, "here").get_output_details()
    step = {tuple(output["shape"].tolist()): output["quantization"][0] for output in details}
    model = Model(echoes[name], 1, "here")
    for image in NOISE[:20]:
        expected = by_shape(echo(image[None].astype(np.float32)))
        found = by_shape(model.run(image))
        assert found.keys() == expected.keys()
        for shape, values in found.items():
            assert values.dtype == np.float32
            assert np.abs(values - expected[shape]).max() <= steps * step[shape] + 1e-3


def test_an_archive_behind_the_model_is_ignored(echoes: dict[str, bytes]) -> None:
    packed = bundle.pack(echoes["bytes"], card())
    assert len(packed) > len(echoes["bytes"])
    alone, followed = (Model(content, 1, "here").run(NOISE[0]) for content in (echoes["bytes"], packed))
    assert all(map(np.array_equal, alone, followed))


def refusal(make: Callable[[], Any]) -> str:
    with pytest.raises(ModelError) as caught:
        make()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("length", [0, 4, 200, -100])
@pytest.mark.parametrize("tail", [b"", b"junk" * 50])
def test_a_file_cut_short_or_of_junk_is_refused(echoes: dict[str, bytes], length: int, tail: bytes) -> None:
    content = echoes["bytes"][:length] + tail
    assert refusal(lambda: Model(content, 1, "here")).startswith("model here: the runtime cannot run it (")


@pytest.mark.parametrize(
    "shapes", [[(1, 4, 6, 3)], [(1, 4, 4, 1)], [(1, 4, 4, 4)], [(1, 12)], [(2, 4, 4, 3)], [(1, 4, 4, 3)] * 2]
)
def test_a_model_of_anything_but_one_square_rgb_image_is_refused(shapes: list[tuple[int, ...]]) -> None:
    inputs = [keras.Input(batch_shape=shape) for shape in shapes]
    flat = keras.layers.Flatten()(keras.layers.Add()(inputs) if len(inputs) > 1 else inputs[0])
    network = tf.lite.TFLiteConverter.from_keras_model(keras.Model(inputs, keras.layers.Dense(1)(flat)))
    flatbuffer = bytes(network.convert())
    expected = f"model here: takes {shapes}; expected one image, (1, S, S, 3)"
    assert refusal(lambda: Model(flatbuffer, 1, "here")) == expected


def test_without_a_runtime_the_message_says_what_to_install(
    echoes: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ai_edge_litert", "ai_edge_litert.interpreter", "tflite_runtime", "tflite_runtime.interpreter"):
        monkeypatch.setitem(sys.modules, name, None)
    assert "pip install ai-edge-litert" in refusal(lambda: Model(echoes["bytes"], 1, "here"))


def test_the_older_runtime_serves_where_it_is_the_only_one(
    echoes: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    older: Any = types.ModuleType("tflite_runtime.interpreter")
    older.Interpreter = type("Older", (runtime._interpreter_class(),), {})
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    monkeypatch.setitem(sys.modules, "tflite_runtime", types.ModuleType("tflite_runtime"))
    monkeypatch.setitem(sys.modules, "tflite_runtime.interpreter", older)
    assert isinstance(runtime.open_interpreter(echoes["bytes"], 1, "here"), older.Interpreter)


# -- the classifier -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("margin", "cut"), [(None, preprocess.FACE_MARGIN), (0.0, 0.0), (0.6, 0.6)])
def test_a_face_is_cut_with_the_cards_margin(judge: bytes, margin: float | None, cut: float) -> None:
    image = RNG.integers(0, 256, (60, 80, 3), np.uint8)
    face = Face(Box(20, 10, 44, 40), 0.9)
    crop = MaskClassifier(as_bundle(judge, margin=margin), 1).crop(image, face)
    assert np.array_equal(crop, preprocess.face_crop(image, face.box, SIDE, cut))


@pytest.mark.parametrize("temperature", [0.25, 1.0, 4.0, 10.0])
@pytest.mark.parametrize(("colour", "label"), [(CLOTH, Label.WITH_MASK), (SKIN, Label.WITHOUT_MASK)])
def test_the_temperature_divides_the_logits_and_never_turns_the_label(
    judge: bytes, temperature: float, colour: tuple[int, int, int], label: Label
) -> None:
    verdict = MaskClassifier(as_bundle(judge, temperature=temperature), 1).verdict(plain(colour))
    apart = np.ptp(Model(judge, 1, "here").run(plain(colour))[0])
    assert 1 < apart < 3
    assert verdict.label == label
    assert verdict.score == pytest.approx(special.expit(apart / temperature), abs=1e-5)


@pytest.mark.parametrize("labels", [VERDICTS, VERDICTS[::-1]])
def test_the_cards_order_of_the_labels_is_obeyed(judge: bytes, labels: tuple[Label, ...]) -> None:
    judged = MaskClassifier(as_bundle(judge, labels=labels), 1)
    assert tuple(judged.verdict(plain(colour)).label for colour in (CLOTH, SKIN)) == labels


@pytest.fixture(scope="module")
def judge_of_three() -> bytes:
    """An int8 file with a third class, which goes by green."""
    network = colour_judge((-0.01, 0.01, -0.01), (0, 0, 0.02), (0.01, -0.01, -0.01))
    return quantize.to_int8(network, [plain(SKIN), plain(CLOTH), plain(MIXED), *RANGE])


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
@pytest.mark.parametrize("counts_as", VERDICTS)
def test_a_mask_worn_wrong_counts_as_the_site_says_whatever_the_order_of_the_outputs(
    order: tuple[int, int, int], counts_as: Label
) -> None:
    columns = np.array([(-0.01, 0.01, -0.01), (0, 0, 0.02), (0.01, -0.01, -0.01)])[:, order]
    flatbuffer = quantize.to_float32(colour_judge(*map(tuple, columns)))
    labels = tuple(tuple(Label)[place] for place in order)
    judged = MaskClassifier(as_bundle(flatbuffer, labels=labels), 1, counts_as)
    verdicts = [judged.verdict(plain(colour)) for colour in (CLOTH, SKIN, MIXED)]
    assert [verdict.label for verdict in verdicts] == [Label.WITH_MASK, Label.WITHOUT_MASK, counts_as]
    assert all(0.5 <= verdict.score <= 1 for verdict in verdicts)


def test_unless_told_otherwise_a_mask_worn_wrong_is_no_mask(judge_of_three: bytes) -> None:
    judged = MaskClassifier(as_bundle(judge_of_three, labels=tuple(Label)), 1)
    assert judged.verdict(plain(MIXED)).label == Label.WITHOUT_MASK


@pytest.mark.parametrize("temperature", [0.25, 1.0, 4.0])
def test_the_two_classes_that_count_as_one_add_up(judge_of_three: bytes, temperature: float) -> None:
    logits = Model(judge_of_three, 1, "here").run(plain(MIXED))[0][0]
    shares = special.softmax(logits.astype(np.float64) / temperature)
    found = as_bundle(judge_of_three, labels=tuple(Label), temperature=temperature)
    bare = MaskClassifier(found, 1, Label.WITHOUT_MASK).verdict(plain(MIXED))
    masked = MaskClassifier(found, 1, Label.WITH_MASK).verdict(plain(MIXED))
    assert (bare.label, bare.score) == (Label.WITHOUT_MASK, pytest.approx(shares[1] + shares[2], abs=1e-5))
    assert (masked.label, masked.score) == (Label.WITH_MASK, pytest.approx(shares[0] + shares[2], abs=1e-5))


@pytest.mark.parametrize("counts_as", ["without_mask", "with_mask"])
def test_the_config_decides_what_a_mask_worn_wrong_counts_as(
    judge_of_three: bytes, tmp_path: Path, counts_as: Literal["without_mask", "with_mask"]
) -> None:
    path = tmp_path / "mask.tflite"
    bundle.write(path, judge_of_three, card(labels=tuple(Label), input_size=SIDE))
    judged = parts.build_classifier(MaskSettings(model=str(path), incorrect=counts_as))
    assert judged.verdict(plain(MIXED)).label == counts_as


@pytest.mark.parametrize(
    "labels",
    [
        ("with_mask", "hat"),
        ("with_mask",),
        ("with_mask", "with_mask"),
        ("with_mask", "mask_weared_incorrect"),
        ("without_mask", "with_mask", "hat"),
        ("with_mask", "without_mask", "mask_weared_incorrect", "hat"),
    ],
)
def test_labels_that_are_not_those_are_refused(judge: bytes, labels: tuple[str, ...]) -> None:
    message = refusal(lambda: MaskClassifier(as_bundle(judge, labels=labels), 1))
    assert message.startswith(
        f"model here: labels {labels}, expected with_mask, without_mask and perhaps mask_weared_incorrect; "
    )


def test_a_model_that_answers_another_number_of_logits_is_refused(echoes: dict[str, bytes]) -> None:
    three = quantize.to_float32(colour_judge((1, 0, 0), (0, 1, 0), (0, 0, 1)))
    message = refusal(lambda: MaskClassifier(as_bundle(three), 1))
    assert message.startswith("model here: answers [(1, 3)], expected [(1, 2)]; ")
    assert "expected [(1, 2)]; " in refusal(lambda: MaskClassifier(as_bundle(echoes["bytes"]), 1))


def test_a_model_of_two_logits_for_three_labels_is_refused(judge: bytes) -> None:
    message = refusal(lambda: MaskClassifier(as_bundle(judge, labels=tuple(Label)), 1))
    assert message.startswith("model here: answers [(1, 2)], expected [(1, 3)]; ")


LOGITS = st.floats(-(2.0**100), 2.0**100, width=32)


@settings(deadline=None)  # a busy machine is no failure
@given(
    arrays(np.float32, st.sampled_from([(3,), (4, 3), (2, 3, 3)]), elements=st.floats(-99, 99, width=32)),
    st.permutations(tuple(Label)),
)
def test_how_surely_a_face_is_bare_adds_up_the_classes_that_count_so(logits: np.ndarray, labels: list[Label]) -> None:
    shares = dict(zip(labels, np.moveaxis(special.softmax(logits.astype(np.float64), axis=-1), -1, 0), strict=True))
    alarming, lenient = (classifier.bare_share(logits, labels, incorrect=counts_as) for counts_as in VERDICTS[::-1])
    assert (alarming.shape, alarming.dtype) == (logits.shape[:-1], np.float32)
    assert alarming == pytest.approx(shares[Label.WITHOUT_MASK] + shares[Label.INCORRECT], abs=1e-5)
    assert lenient == pytest.approx(shares[Label.WITHOUT_MASK], abs=1e-5)
    assert (classifier.bare_share(logits, labels) == alarming).all()  # what it is unless told otherwise


@settings(deadline=None)  # a busy machine is no failure
@given(arrays(np.float32, (4, 3), elements=LOGITS), st.sampled_from(VERDICTS))
def test_however_large_the_logits_the_share_is_one(logits: np.ndarray, counts_as: Label) -> None:
    bare = classifier.bare_share(logits, tuple(Label), incorrect=counts_as)
    assert ((bare >= 0) & (bare <= 1)).all()


@settings(deadline=None)  # a busy machine is no failure
@given(arrays(np.float32, (5, 2), elements=st.floats(-99, 99, width=32)), st.floats(0.5, 20), st.floats(-5, 5))
def test_of_two_classes_the_odds_are_tempered_then_shifted(logits: np.ndarray, temperature: float, bias: float) -> None:
    apart = (logits[:, 1].astype(np.float64) - logits[:, 0]) / np.float32(temperature) + bias
    assert classifier.bare_share(logits, VERDICTS, temperature, bias) == pytest.approx(special.expit(apart), abs=1e-4)


@settings(deadline=None)  # a busy machine is no failure
@given(arrays(np.float32, (4, 3), elements=st.floats(-9, 9, width=32)), st.floats(-2, 2), st.floats(0, 2))
def test_a_larger_bias_makes_every_face_barer_by_as_much(logits: np.ndarray, bias: float, more: float) -> None:
    before, after = (classifier.bare_share(logits, tuple(Label), 1.0, shift) for shift in (bias, bias + more))
    assert after == pytest.approx(special.expit(special.logit(before.astype(np.float64)) + more), abs=1e-4)
    assert (after >= before).all()


@pytest.mark.parametrize("bias", [-3.0, -0.5, 0.0, 0.5, 3.0])
def test_the_cards_bias_moves_the_verdict(judge: bytes, bias: float) -> None:
    apart = np.diff(Model(judge, 1, "here").run(plain(SKIN))[0][0])[0]  # of bare over masked
    verdict = MaskClassifier(as_bundle(judge, bias=bias, temperature=2.0), 1).verdict(plain(SKIN))
    bare = special.expit(apart / 2 + bias)
    assert verdict.label == (Label.WITHOUT_MASK if bare >= 0.5 else Label.WITH_MASK)
    assert verdict.score == pytest.approx(max(bare, 1 - bare), abs=1e-5)


@given(st.floats(0, 1))
def test_a_verdict_is_the_likelier_label_and_at_half_the_alert_is_the_safer_one(bare: float) -> None:
    verdict = classifier.as_verdict(bare)
    assert verdict.label == (Label.WITHOUT_MASK if bare >= 0.5 else Label.WITH_MASK)
    assert verdict.score == max(bare, 1 - bare)


# -- the finders ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def coarse_finder() -> bytes:
    """Sees four faces of 16×24 pixels, each a quarter of a 32 pixel cell right of and above the cell's centre."""
    network = finder.build(64, channels=8, weights=None)
    for stride in finder.STRIDES:
        score, box = network.get_layer(f"score{stride}"), network.get_layer(f"box{stride}")
        score.set_weights([0 * score.get_weights()[0], np.array([2.0 if stride == 32 else -8.0])])
        box.set_weights([0 * box.get_weights()[0], np.array([0.25, -0.25, np.log(0.5), np.log(0.75)])])
    return quantize.to_int8(network, [plain((value,) * 3, 64) for value in (0, 255)])


def test_the_answers_come_in_the_files_order(echoes: dict[str, bytes], coarse_finder: bytes) -> None:
    for flatbuffer in (echoes["float"], echoes["bytes"], coarse_finder):
        model = Model(flatbuffer, 1, "here")
        outputs = model.run(np.zeros((model.input_size, model.input_size, 3), np.uint8))
        assert tuple(output.shape for output in outputs) == graph.inspect(flatbuffer).output_shapes


def test_boxes_come_back_in_the_pixels_of_a_frame_that_is_not_square(coarse_finder: bytes) -> None:
    frame = np.zeros((96, 128, 3), np.uint8)  # half as large on the input, 8 pixels of grey above and below
    faces = SingleShotDetector(as_bundle(coarse_finder, "face"), None, 1).find(frame)
    found = [(face.box.left, face.box.top, face.box.right, face.box.bottom) for face in faces]
    expected = [(x - 16, y - 24, x + 16, y + 24) for y in (0, 64) for x in (48, 112)]
    assert np.array(sorted(found)) == pytest.approx(np.array(sorted(expected)), abs=0.5)
    assert [face.score for face in faces] == pytest.approx([special.expit(2.0)] * 4, abs=0.01)


def test_without_a_score_of_ones_own_the_cards_threshold_holds(coarse_finder: bytes) -> None:
    frame = np.zeros((96, 128, 3), np.uint8)
    low, high = (as_bundle(coarse_finder, "face", score_threshold=threshold) for threshold in (0.8, 0.95))
    assert len(SingleShotDetector(low, None, 1).find(frame)) == 4
    assert len(SingleShotDetector(high, None, 1).find(frame)) == 0
    assert len(SingleShotDetector(high, 0.8, 1).find(frame)) == 4


def test_a_mask_classifier_is_no_finder(judge: bytes) -> None:
    message = refusal(lambda: SingleShotDetector(as_bundle(judge, "face"), None, 1))
    assert message.startswith("model here: answers [(1, 2)], ")
    assert "not a finder" in message


@pytest.mark.skipif(not (PEERS and YUNET.is_file()), reason=f"MASKWATCH_PEERS names no folder with {YUNET.name}")
def test_yunet_finds_the_face_of_the_demo() -> None:
    (face,) = YuNetDetector(YUNET, 0.6).find(demo.Scene().at(5.0))
    assert face.box.iou(Box(248, 175, 370, 318)) > 0.7


# -- answers that are none ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [0, 1])
def test_a_classifier_that_answers_no_numbers_does_not_pass_for_one_that_sees_a_mask(at: int) -> None:
    network = colour_judge((-0.01, 0.01), (0, 0), (0.01, -0.01))
    bias = np.zeros(2)
    bias[at] = np.nan
    network.layers[-1].set_weights([network.layers[-1].get_weights()[0], bias])
    judged = MaskClassifier(as_bundle(quantize.to_float32(network)), 1)
    assert "answers [" in refusal(lambda: judged.verdict(plain(SKIN)))


def test_a_card_that_names_another_size_than_the_model_takes_is_refused(judge: bytes) -> None:
    message = refusal(lambda: MaskClassifier(as_bundle(judge, input_size=SIDE + 1), 1))
    assert message.startswith(f"model here: takes {SIDE} pixels, its card says {SIDE + 1}; ")
