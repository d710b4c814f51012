"""A conversion gives the same bytes whatever the last bits of a processor's sums and square roots are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert import edge_quantizer, packing, quantize, reproducible
from maskwatch.flow import Image
from maskwatch.vision.runtime import Model, open_interpreter

SIZE = 32
LAST_BITS = reproducible.LAST_BITS
PICTURES: list[Image] = [
    *(np.full((SIZE, SIZE, 3), grey, np.uint8) for grey in (0, 255)),
    *np.random.default_rng(0).integers(0, 256, (6, SIZE, SIZE, 3), np.uint8),
]


def learnt(model: keras.Model) -> keras.Model:
    """With batch norms as after a training, not as new."""
    random = np.random.default_rng(1)
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            for vector in layer.weights:
                vector.assign(random.uniform(0.3, 3, vector.shape))
    return model


@pytest.fixture(scope="module")
def network() -> keras.Model:
    """A trunk within a network, as a finder has; one batch norm follows a depthwise convolution, another a ReLU."""
    keras.utils.set_random_seed(0)
    entry = keras.Input((None, None, 6))
    feature = keras.layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="deep")(entry)
    feature = keras.layers.BatchNormalization(name="deep_BN")(feature)
    trunk = keras.Model(entry, keras.layers.ReLU(6.0)(feature), name="trunk")
    image = keras.Input((SIZE, SIZE, 3))
    feature = keras.layers.Rescaling(1 / 127.5, -1)(image)
    feature = keras.layers.Conv2D(6, 3, padding="same", use_bias=False, name="first")(feature)
    feature = keras.layers.BatchNormalization(name="first_BN", scale=False)(feature)
    feature = keras.layers.BatchNormalization(name="late", center=False)(keras.layers.ReLU()(trunk(feature)))
    return learnt(keras.Model(image, keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(feature)), name="net"))


def weights(flatbuffer: bytes) -> dict[str, Any]:
    interpreter = open_interpreter(flatbuffer, 1, "here")
    constants = {}
    for tensor in interpreter.get_tensor_details():
        try:
            constants[tensor["name"]] = interpreter.get_tensor(tensor["index"])
        except ValueError:  # not a constant: nothing ran yet
            continue
    return constants


def a_sequence() -> keras.Model:
    """A batch norm behind a dense layer."""
    flat = [keras.layers.Input((SIZE, SIZE, 3)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3)]
    return learnt(keras.Sequential([*flat, keras.layers.BatchNormalization()]))


def by_rows() -> keras.Model:
    """A batch norm with a mean for each row of the picture, used twice."""
    image = keras.Input((SIZE, SIZE, 3))
    norm = keras.layers.BatchNormalization(axis=1)
    return learnt(keras.Model(image, keras.layers.GlobalMaxPooling2D()(norm(norm(image)))))


@pytest.mark.parametrize("make", [None, a_sequence, by_rows])
def test_the_network_computes_what_it_did(network: keras.Model, make: Callable[[], keras.Model] | None) -> None:
    trained = make() if make else network
    model = Model(quantize.to_float32(trained), 1, "here")
    for picture in PICTURES:
        expected = np.asarray(trained(picture[None].astype(np.float32), training=False))[0]
        np.testing.assert_allclose(model.run(picture)[0].reshape(-1), expected, rtol=2e-4, atol=2e-5)


def test_both_vectors_are_the_nearest_float32() -> None:
    norm = keras.layers.BatchNormalization()
    norm.build((None, 500))
    random = np.random.default_rng(2)
    for vector in norm.weights:
        vector.assign(random.uniform(0.3, 3, 500))
    gamma, beta, mean, variance = (np.asarray(each, np.longdouble) for each in norm.weights)
    scale = gamma / np.sqrt(variance + np.longdouble(norm.epsilon))
    found = reproducible.scale_shift(norm)
    for vector, expected in zip(found, (scale, beta - mean * scale), strict=True):
        np.testing.assert_array_equal(vector, expected.astype(np.float32))


def test_batch_norms_are_folded_by_factors_that_are_computed_in_float64(network: keras.Model) -> None:
    found = weights(quantize.to_float32(network))
    for owner, layer, channels in ((network, "first", -1), (network.get_layer("trunk"), "deep", -2)):
        norm = owner.get_layer(f"{layer}_BN")
        gamma = np.asarray(norm.gamma, np.float64) if norm.scale else 1.0
        scale = (gamma / np.sqrt(np.asarray(norm.moving_variance, np.float64) + norm.epsilon)).astype(np.float32)
        kernel = np.asarray(owner.get_layer(layer).kernel)
        shape = [1] * 4
        shape[channels] = -1
        expected = (kernel * scale.reshape(shape)).ravel()
        order = np.argsort(expected)
        alike = [each for each in found.values() if each.ndim == 4 and each.size == expected.size]
        assert any(np.array_equal(np.sort(each.ravel()), expected[order]) for each in alike)


@pytest.fixture
def other_processor(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """From now on calibration measures ranges as another processor would, with other last bits."""
    rounded = reproducible.round_ranges

    def simulate(seed: int) -> None:
        random = np.random.default_rng(seed)

        def disturbed(calibrated: bytes) -> bytes:
            model = packing.unpack(calibrated)
            for tensor in model.subgraphs[0].tensors:
                said = tensor.quantization
                if said is None or said.min is None or said.max is None:
                    continue
                largest = np.abs([*said.min, *said.max]).max()
                for name in ("min", "max"):
                    limit = np.asarray(getattr(said, name), np.float64)
                    moved = limit + LAST_BITS * largest * random.uniform(-1, 1)
                    setattr(said, name, np.where(limit == 0, 0, moved).astype(np.float32))
            return rounded(packing.pack(model))

        monkeypatch.setattr(reproducible, "round_ranges", disturbed)

    return simulate


def test_the_last_bits_of_measured_ranges_do_not_count(
    network: keras.Model, other_processor: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = quantize.to_int8(network, PICTURES)
    for seed in range(3):
        other_processor(seed)
        assert quantize.to_int8(network, PICTURES) == made
    monkeypatch.setattr(reproducible, "away_from_zero", lambda values: np.asarray(values, np.float32))
    unrounded = quantize.to_int8(network, PICTURES)
    other_processor(3)
    assert quantize.to_int8(network, PICTURES) != unrounded


def test_the_ranges_of_the_other_back_end_are_rounded_too(
    network: keras.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ai_edge_quantizer")
    float32 = quantize.to_float32(network)
    rounded = edge_quantizer.to_int8(float32, PICTURES)
    monkeypatch.setattr(reproducible, "away_from_zero", lambda values: values)
    assert edge_quantizer.to_int8(float32, PICTURES) != rounded


@given(st.floats(-1e6, 1e6, width=32))
def test_a_range_is_rounded_away_from_zero_by_less_than_a_hundredth(value: float) -> None:
    (rounded,) = reproducible.away_from_zero([value])
    assert abs(value) * (1 - 2e-5) <= abs(rounded) <= abs(value) * (1 + 2**-7) + 1e-44
    assert np.signbit(rounded) == np.signbit(value)
    assert reproducible.away_from_zero([rounded]) == rounded


@pytest.mark.parametrize("error", [-LAST_BITS, 0, LAST_BITS])
def test_where_many_ranges_end_is_not_where_rounding_changes(error: float) -> None:
    ends = np.array([255.0, 6.0, 1.0, 0.0, -1.0])
    assert reproducible.away_from_zero(ends * (1 + error)).tolist() == ends.tolist()


def test_a_range_near_a_border_is_said(
    network: keras.Model, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    measured: list[bytes] = []
    monkeypatch.setattr(reproducible, "near_border", lambda calibrated: measured.append(calibrated) or 0)
    quantize.to_int8(network, PICTURES)
    monkeypatch.undo()
    assert reproducible.near_border(measured[0]) == 0
    model = packing.unpack(measured[0])
    border = 3 / (1 - reproducible.SLACK)
    said = [each.quantization for each in model.subgraphs[0].tensors if each.quantization.max is not None]
    said[-1].max = np.array([border], np.float32)
    assert reproducible.near_border(packing.pack(model)) == 1
    capfd.readouterr()
    monkeypatch.setattr(reproducible, "near_border", lambda _: 1)
    quantize.to_int8(network, PICTURES)
    assert capfd.readouterr().err == f"convert: 1 {quantize.BORDER}\n"


def test_quantizing_prints_nothing(network: keras.Model, capfd: pytest.CaptureFixture[str]) -> None:
    quantize.to_int8(network, PICTURES)
    assert capfd.readouterr() == ("", "")
