"""A classifier started from a bundle's weights gives the bundle's answers, and can learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from convert import conversion, quantize  # noqa: E402
from maskwatch.errors import ModelError  # noqa: E402
from maskwatch.records.run import Run  # noqa: E402
from maskwatch.vision import bundle, preprocess  # noqa: E402
from training.classifier import warm_classifier  # noqa: E402
from training.judging import evaluate  # noqa: E402
from training.networks import mobilenet_v2  # noqa: E402
from training.pictures import data  # noqa: E402

SIZE, ALPHA = 32, 0.35
RNG = np.random.default_rng(0)
PICTURES = np.repeat(np.repeat(RNG.integers(0, 256, (16, 8, 8, 3), np.uint8), 4, axis=1), 4, axis=2)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of a network whose batch norms are not the identity."""
    keras.utils.set_random_seed(0)
    model = mobilenet_v2.build(SIZE, ALPHA, None, dense=16)
    for layer in model.get_layer(mobilenet_v2.BASE).layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            shape = layer.gamma.shape
            layer.set_weights(
                [RNG.uniform(0.8, 1.2, shape), RNG.normal(0, 0.2, shape), RNG.normal(0, 0.1, shape), np.ones(shape)]
            )
    path = tmp_path_factory.mktemp("bundle") / "mask.tflite"
    run = Run(
        name="mobilenet_v2",
        task="mask",
        labels=data.CLASSES,
        input_size=SIZE,
        margin=0.25,
        preprocess_version=preprocess.VERSION,
        seed=0,
        split_sha256="",
        knobs={},
        versions={},
        history={},
    )
    bundle.write(path, quantize.to_int8(model, list(PICTURES)), conversion.card(run))
    return path


def test_it_answers_as_the_bundle_does(shipped: Path) -> None:
    model = warm_classifier.from_bundle(shipped, SIZE, ALPHA)
    ours, theirs = np.asarray(model.predict_on_batch(PICTURES)), evaluate.open_network(shipped).logits(PICTURES)
    assert ours.shape == theirs.shape == (16, 3)
    assert np.abs(ours - theirs).mean() < 0.15 * theirs.std()
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.98


def test_it_can_be_trained_at_another_size(shipped: Path) -> None:
    model = warm_classifier.from_bundle(shipped, 64, ALPHA)
    mobilenet_v2.freeze(model, "block_5_add")
    assert model.output_shape == (None, 3)
    base = model.get_layer(mobilenet_v2.BASE)
    learns = {layer.name for layer in base.layers if layer.trainable_weights}
    assert "block_6_expand" in learns
    assert not {name for name in learns if name.startswith("block_5_") or name.endswith("_BN")}


def test_a_bundle_made_for_other_pixels_is_a_start_too_though_no_device_runs_it(
    shipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preprocess, "VERSION", preprocess.VERSION + 1)
    with pytest.raises(ModelError, match="made for preprocess version"):
        bundle.read(shipped, "mask")
    assert warm_classifier.from_bundle(shipped, SIZE, ALPHA).output_shape == (None, 3)


def test_a_bundle_of_another_width_is_refused(shipped: Path) -> None:
    with pytest.raises(ModelError, match=r"expected a mobilenet_v2 of 0\.5 width"):
        warm_classifier.from_bundle(shipped, SIZE, 0.5)


def test_it_goes_on_from_a_float_model_as_it_is(tmp_path: Path) -> None:
    kept = mobilenet_v2.build(SIZE, ALPHA, None, dense=16)
    kept.save(tmp_path / "model.keras")
    model = warm_classifier.from_model(tmp_path / "model.keras", SIZE, ALPHA)
    np.testing.assert_allclose(model.predict_on_batch(PICTURES), kept.predict_on_batch(PICTURES), atol=1e-5)
    assert warm_classifier.from_model(tmp_path / "model.keras", 64, ALPHA).input_shape == (None, 64, 64, 3)


def test_a_float_model_that_is_none_of_these_is_refused(tmp_path: Path) -> None:
    other, damaged = tmp_path / "other.keras", tmp_path / "damaged.keras"
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]).save(other)
    damaged.write_bytes(b"PK nothing")
    wider = tmp_path / "wider.keras"
    mobilenet_v2.build(SIZE, 0.5, None, dense=16).save(wider)
    for path in (other, damaged, wider):
        with pytest.raises(ModelError, match=r"expected a mobilenet_v2 of 0\.35 width"):
            warm_classifier.from_model(path, SIZE, ALPHA)
