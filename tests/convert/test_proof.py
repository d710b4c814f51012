"""The parts that the proof is computed from: intervals, layer errors, the packed file, the pages."""

import json
import math
import re
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="needs extra `train`")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from convert import drawings, ends, graph, intervals, layers, packing, page, proof, quantize  # noqa: E402
from convert.judges import judge_face, judge_mask  # noqa: E402
from convert.samples import Example  # noqa: E402
from maskwatch.flow import Box  # noqa: E402
from maskwatch.vision.runtime import Model, open_interpreter  # noqa: E402
from training.judging.detections import Found, Truth  # noqa: E402

SIDE = 16  # pixels
NOISE = [np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), np.uint8) for seed in range(8)]
bools = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)


@pytest.fixture(scope="module")
def network() -> Any:
    keras.utils.set_random_seed(0)
    image = keras.Input((SIDE, SIDE, 3))
    hidden = keras.layers.Rescaling(1 / 127.5, -1)(image)
    for number in range(3):
        hidden = keras.layers.Conv2D(64, 3, padding="same", activation="relu", name=f"conv{number}")(hidden)
    return keras.Model(image, keras.layers.Dense(2, name="logits")(keras.layers.GlobalAveragePooling2D()(hidden)))


@pytest.fixture(scope="module")
def float32(network: Any) -> bytes:
    return quantize.to_float32(network)


@pytest.fixture(scope="module")
def int8(network: Any) -> bytes:
    return quantize.to_int8(
        network, [np.zeros((SIDE, SIDE, 3), np.uint8), np.full((SIDE, SIDE, 3), 255, np.uint8), *NOISE]
    )


def details(flatbuffer: bytes) -> list[dict[str, Any]]:
    """Everything that an interpreter reports of each tensor."""
    interpreter = open_interpreter(flatbuffer, 1, "here")
    rows = []
    for entry in interpreter.get_tensor_details():
        quantization = entry.pop("quantization_parameters")
        rows.append({**entry, **{name: np.asarray(value).tolist() for name, value in quantization.items()}})
        rows[-1]["shape"], rows[-1]["shape_signature"] = entry["shape"].tolist(), entry["shape_signature"].tolist()
    return rows


def test_equal_vectors_are_stored_once_and_every_reader_reads_the_same(int8: bytes) -> None:
    small = packing.packed(int8)
    channels = 3 * 64 + 2
    assert len(int8) - len(small) > 0.8 * 8 * 2 * channels  # a zero point has eight bytes, twice a channel
    assert details(small) == details(int8)
    before, after = Model(int8, 1, "here"), Model(small, 1, "here")
    for image in NOISE:
        assert np.array_equal(before.run(image)[0], after.run(image)[0])


def test_packing_again_changes_nothing(int8: bytes) -> None:
    assert packing.packed(packing.packed(int8)) == packing.packed(int8)


def test_the_content_of_every_tensor_lies_at_a_multiple_of_16(int8: bytes) -> None:
    small = packing.packed(int8)
    contents = [bytes(buffer.data) for buffer in packing.unpack(small).buffers if buffer.data is not None]
    places = [small.find(content) for content in contents if len(set(content)) > 40]
    assert places
    assert {place % packing.ALIGNMENT for place in places} == {0}


def test_contents_behind_the_flatbuffer_are_taken_in(int8: bytes) -> None:
    model = packing.unpack(int8)
    largest = max((buffer for buffer in model.buffers if buffer.data is not None), key=lambda each: len(each.data))
    content, largest.data = bytes(largest.data), None
    largest.offset, largest.size = 1 << 40, len(content)  # as wide as the place it will really have
    start = len(packing.pack(model))
    largest.offset = start
    behind = packing.pack(model) + content
    assert len(behind) == start + len(content)
    assert np.array_equal(
        Model(packing.packed(behind), 1, "here").run(NOISE[0])[0], Model(int8, 1, "").run(NOISE[0])[0]
    )


def test_an_unsigned_output_holds_the_same_number(int8: bytes) -> None:
    given_out = ends.unsigned(int8, output=True)
    interpreter = open_interpreter(given_out, 1, "here")
    assert [entry["dtype"] for entry in interpreter.get_output_details()] == [np.uint8]
    assert interpreter.get_signature_list() == open_interpreter(int8, 1, "here").get_signature_list()
    for image in NOISE:
        assert np.array_equal(Model(given_out, 1, "here").run(image)[0], Model(int8, 1, "here").run(image)[0])
        runner = interpreter.get_signature_runner()
        (answer,) = runner(**{next(iter(runner.get_input_details())): image[None]}).values()
        assert answer.dtype == np.uint8


def test_an_unsigned_input_is_the_cameras_own_bytes(network: Any) -> None:
    import tensorflow as tf

    black_and_white = [np.zeros_like(NOISE[0]), np.full_like(NOISE[0], 255)]
    converter = quantize._calibrated(network, [*black_and_white, *NOISE], tf.lite.OpsSet.TFLITE_BUILTINS_INT8)
    converter.inference_input_type = converter.inference_output_type = tf.int8
    signed = quantize._made(converter)
    assert graph.inspect(signed).input_type == "INT8"
    unsigned = ends.unsigned(signed, output=False)
    assert graph.inspect(unsigned).eats_camera_bytes
    for image in NOISE:
        assert np.array_equal(Model(unsigned, 1, "here").run(image)[0], Model(signed, 1, "here").run(image)[0])


def test_a_model_has_no_error_against_itself(float32: bytes) -> None:
    found = layers.errors(float32, float32, NOISE)
    assert {layer.sqnr_db for layer in found} == {layers.EXACT_DB}
    assert {layer.cosine for layer in found} == {1.0}


def answers_without_delegate(flatbuffer: bytes) -> list[Any]:
    """To NOISE; the delegate, XNNPACK, rounds some sums otherwise."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=flatbuffer, experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    (entry,), (end,) = interpreter.get_input_details(), interpreter.get_output_details()
    scale, zero_point = end["quantization"]
    answers = []
    for image in NOISE:
        interpreter.set_tensor(entry["index"], image[None].astype(entry["dtype"]))
        interpreter.invoke()
        answer = interpreter.get_tensor(end["index"]).astype(np.float64)
        answers.append((answer - zero_point) * scale if scale else answer)
    return answers


def test_layer_errors_are_those_of_the_answers(float32: bytes, int8: bytes) -> None:
    """The last layer's error, computed from the outputs by its definition."""
    found = layers.errors(float32, int8, NOISE)
    before, after = (answers_without_delegate(each) for each in (float32, int8))
    noise = sum(((old - new) ** 2).sum() for old, new in zip(before, after, strict=True))
    expected = 10 * np.log10(sum((old**2).sum() for old in before) / noise)
    assert found[-1].operator == "FULLY_CONNECTED"
    assert found[-1].sqnr_db == pytest.approx(expected, abs=0.01)
    assert [layer.operator for layer in found].count("CONV_2D") == 3


def test_float16_is_compared_by_its_layers_not_by_the_constants_it_opens() -> None:
    """A folded batch norm's constant has the name of the layer's output. float16's 11 bits are about 66 dB."""
    image = keras.Input((SIDE, SIDE, 3))
    hidden = keras.layers.Conv2D(8, 3, use_bias=False)(keras.layers.Rescaling(1 / 127.5, -1)(image))
    normal = keras.layers.ReLU(6.0)(keras.layers.BatchNormalization()(hidden))
    network = keras.Model(image, keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(normal)))
    float32 = quantize.to_float32(network)
    found = layers.errors(float32, quantize.to_float16(network), NOISE)
    assert [each.tensor for each in found] == [each.tensor for each in layers.errors(float32, float32, NOISE)]
    assert min(each.sqnr_db for each in found) > 40
    assert all(0.999 < each.cosine < 1.000_001 for each in found)


def test_a_layer_that_two_others_could_be_is_left_out() -> None:
    before = {"net/relu1": "CONV_2D", "net/sum": "ADD", "output:0": "CONV_2D", "net/mean1": "MEAN"}
    after = {"net/relu2": "CONV_2D", "net/relu3": "CONV_2D", "net/sum": "ADD", "output:1": "CONV_2D", "net/mean": "SUM"}
    assert layers.matched(before, after) == {"net/sum": "net/sum"}
    assert layers.matched(before, {"net/relu": "CONV_2D"}) == {"net/relu1": "net/relu"}


@pytest.mark.parametrize(
    ("tensor", "short"),
    [
        ("bytes_in_1/net_1/relu_1/Relu6;bytes_in_1/net_1/bn_1/add", "relu_1"),
        ("bytes_in_1/net_1/base_1/project_BN_1/batchnorm/add_1;bytes_in_1/net_1/project_1/convolution", "project_BN_1"),
        ("StatefulPartitionedCall_1:3", "output 3"),
        ("serving_default_image:0", "serving_default_image:0"),
    ],
)
def test_a_layer_has_a_short_name(tensor: str, short: str) -> None:
    assert layers.short(tensor) == short


@given(bools)
@settings(max_examples=30, deadline=None)
def test_a_share_lies_in_its_interval(pairs: list[tuple[bool, bool]]) -> None:
    right = np.array([one for one, _ in pairs])
    found = intervals.share(right)
    low, high = found["interval95"]
    assert low - 0.01 <= found["value"] <= high + 0.01
    assert found["value"] == pytest.approx(100 * right.mean(), abs=1e-3)


@given(bools)
@settings(max_examples=30, deadline=None)
def test_a_drop_is_the_difference_of_the_accuracies(pairs: list[tuple[bool, bool]]) -> None:
    before, after = (np.array(column) for column in zip(*pairs, strict=True))
    found = intervals.drop(before, after)
    assert found["value"] == pytest.approx(100 * (before.mean() - after.mean()), abs=1e-3)
    assert found["only_before_right"] - found["only_after_right"] == before.sum() - after.sum()
    assert found["interval95"][0] <= found["interval95"][1]


def test_f1_is_twice_the_hits_over_hits_and_calls() -> None:
    called, truth = np.array([True, True, True, False] * 50), np.array([True, True, False, True] * 50)
    found = intervals.f1(called, truth)
    assert found["value"] == pytest.approx(100 * 2 * 2 / (2 * 2 + 1 + 1), abs=1e-3)
    low, high = found["interval95"]
    assert 58 < low < 66.67 < high < 75


def test_drift_beyond_the_histogram_is_counted_at_its_ends() -> None:
    found = intervals.drift(np.array([-0.9, 0.0, 0.001, 0.9], np.float32))
    assert sum(found["histogram"]) == found["n"] == 4
    assert (found["histogram"][0], found["histogram"][-1], found["largest"]) == (1, 1, 0.9)


def judged(shares: dict[str, list[float]]) -> judge_mask.MaskJudgement:
    """Pictures 0, 1, … alternately masked and bare; each model gives the share at the picture's index."""
    examples = [
        Example(f"{at}.png", "face", at % 2, np.full((1, 1, 3), at, np.uint8)) for at in range(len(shares["float32"]))
    ]

    def model(values: list[float]) -> judge_mask.Bare:
        return lambda image: values[int(image[0, 0, 0])]

    return judge_mask.judge(examples, {name: model(values) for name, values in shares.items()})


def test_a_flip_counts_whether_it_helps_or_not() -> None:
    found = judged({"float32": [0.1, 0.9, 0.6, 0.9], "int8": [0.1, 0.4, 0.4, 0.9]})
    assert [change["image"] for change in found.changes("int8")] == ["1.png", "2.png"]
    assert found.changes("int8")[0] == {
        "image": "1.png",
        "view": "face",
        "truth": "without_mask",
        "float": {"label": "without_mask", "score": 0.9},
        "int8": {"label": "with_mask", "score": 0.6},
    }
    assert found.measures("int8") == {"accuracy": 75.0, "accuracy_drop": 0.0, "recall_drop": 50.0, "flips": 50.0}


def test_a_class_nobody_saw_holds_no_gate() -> None:
    found = judged({"float32": [0.1], "int8": [0.1]})
    assert np.isnan(found.measures("int8")["recall_drop"])


def test_the_threshold_curve_counts_both_mistakes() -> None:
    curve = judged({"float32": [0.1, 0.9, 0.6, 0.7]}).curve("float32")
    at = curve["threshold"].index(0.65)
    assert (curve["bare called bare"][at], curve["masked called bare"][at]) == (100.0, 0.0)
    at = curve["threshold"].index(0.5)
    assert (curve["bare called bare"][at], curve["masked called bare"][at]) == (100.0, 50.0)


def test_a_lost_face_is_listed_with_both_scores() -> None:
    here, there = Box(0, 0, 20, 20), Box(40, 40, 60, 60)
    found = {
        "float32": {"a.png": [Found(here, 0.9), Found(there, 0.8)]},
        "int8": {"a.png": [Found(here, 0.88), Found(there, 0.4), Found(Box(80, 80, 99, 99), 0.7)]},
    }
    truths = {"a.png": [Truth(here, "face", False), Truth(there, "face", False)]}
    judgement = judge_face.FaceJudgement(found, truths, {"a.png": "frame"}, 0.5)
    lost, gained = judgement.changes("int8")
    assert (lost["change"], lost["float"], lost["int8"]) == ("lost", 0.8, 0.4)
    assert (gained["change"], gained["float"], gained["int8"]) == ("gained", 0.0, 0.7)
    figures = judgement.figures("int8")
    assert (figures["lost"], figures["gained"], figures["agreement"]["n"]) == (1, 1, 3)
    assert figures["drift"]["largest"] == pytest.approx(0.4)
    assert figures["f1"]["value"] == pytest.approx(50, abs=0.1)  # one found, one missed, one false
    assert figures["precision"]["value"] == figures["recall"]["value"] == 50
    assert judgement.measures("int8")["kept_faces"] == 50.0


def test_a_list_of_numbers_is_one_line_of_the_report_and_nan_is_null() -> None:
    written = proof.text({"curve": [0.1, 2, 3], "odd [ name": "a  b", "nothing": float("nan"), "deep": {"x": {"y": 1}}})
    assert json.loads(written) == {"curve": [0.1, 2, 3], "odd [ name": "a  b", "nothing": None, "deep": {"x": {"y": 1}}}
    assert ' "curve": [ 0.1, 2, 3 ]' in written.splitlines()[1]


def report(task: str, judgement: Any) -> dict[str, Any]:
    """A proof as proof.summary makes it, with two variants and one layer."""
    layer = {"layer": "conv1", "operator": "CONV_2D", "sqnr_db": 31.5, "cosine": 0.9991}
    variant = {"bytes": 10, "size_ratio": 27.5, "input": {"type": "UINT8"}, "operators": {"CONV_2D": 3}, "in_float": 0}
    figures = {name: judgement.figures(name) for name in ("float32", "int8")}
    gate = {"variant": "int8", "measure": "flips", "at_most": 0.5, "unit": "%", "found": 50.0, "holds": False}
    return {
        "task": task,
        "shipped": False,
        "judged": "on photographs that it has not learnt from",
        "card": {"name": "tiny <&>"},
        "recipe": {"back_end": "tensorflow", "keep_float": ["conv0"]},
        "calibration": {"n": 20, "seed": 0, "sha256": "c0ffee"},
        "variants": {"float32": {**variant, "layers": []}, "int8": {**variant, "layers": [layer]}},
        "gates": [gate],
        "parts": {name: proof.part(judgement, figures) for name in ("validation", "test")},
        "unreadable": ["b.png: cut short"],
    }


@pytest.mark.parametrize("task", ["mask", "face"])
def test_both_pages_name_the_failed_gate_the_worst_layer_and_every_change(task: str) -> None:
    if task == "mask":
        judgement: Any = judged({"float32": [0.1, 0.9, 0.6, 0.9], "int8": [0.1, 0.4, 0.4, 0.9]})
    else:
        box = Box(0, 0, 20, 20)
        found = {"float32": {"1.png": [Found(box, 0.9)]}, "int8": {"1.png": [Found(box, 0.4)]}}
        judgement = judge_face.FaceJudgement(found, {"1.png": [Truth(box, "face", False)]}, {"1.png": "frame"}, 0.5)
    made = report(task, judgement)
    html = page.html(made)
    for text in (page.markdown(made), html):
        for wanted in ("A gate failed", "conv1", "31.5", "1.png", "c0ffee", "conv0", "flips"):
            assert wanted in text
    assert "tiny &lt;&amp;&gt;" in html
    assert "b.png: cut short" in html
    assert html.count("<svg") == html.count("</svg>") == 3
    assert not re.search(r'(src|href)="(?!#)', html)  # the page loads no other file
    assert page.html(made) == html
    assert not [word for word in ("src=", "<script", "<link", "url(http") if word in html]


def test_where_nothing_is_reported_no_precision_is_drawn() -> None:
    curve = {"threshold": [0.1, 0.5, 0.9], "precision": [80.0, 90.0, 0.0], "recall": [70.0, 50.0, 0.0]}
    assert drawings._told(curve, "recall") == [70.0, 50.0, 0.0]
    assert drawings._told(curve, "precision")[:2] == [80.0, 90.0]
    assert math.isnan(drawings._told(curve, "precision")[2])
    wrong = {**curve, "precision": [80.0, 0.0, 0.0]}  # a precision of 0 is correct where every report is wrong
    assert drawings._told({**wrong, "recall": [70.0, 0.1, 0.0]}, "precision")[1] == 0.0
    nothing = {**curve, "precision": [0.0] * 3, "recall": [0.0] * 3}
    assert drawings.curves({"curves": {"float32": nothing}}).startswith("<svg")
