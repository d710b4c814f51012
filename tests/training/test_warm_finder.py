"""A finder started from a bundle's weights gives the bundle's answers, and can learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from convert import conversion, quantize  # noqa: E402
from maskwatch.errors import ModelError  # noqa: E402
from maskwatch.records.run import Run  # noqa: E402
from maskwatch.vision import bundle, preprocess  # noqa: E402
from training.finder import warm_finder  # noqa: E402
from training.networks import finder  # noqa: E402
from training.runs import run_folder  # noqa: E402

SIZE, CHANNELS = 64, 8
RNG = np.random.default_rng(0)
PICTURES = np.repeat(np.repeat(RNG.integers(0, 256, (8, SIZE // 8, SIZE // 8, 3), np.uint8), 8, axis=1), 8, axis=2)


@pytest.fixture(scope="module")
def trained() -> keras.Model:
    """A finder whose batch norms are not the identity: each has other statistics."""
    keras.utils.set_random_seed(0)
    model = finder.build(SIZE, 0.35, CHANNELS, stem=8)
    for owner in (model, model.get_layer(finder.TRUNK)):
        for layer in owner.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                gamma, *_, variance = layer.get_weights()
                shape = gamma.shape
                layer.set_weights(
                    [RNG.uniform(0.8, 1.2, shape), RNG.normal(0, 0.1, shape), RNG.normal(0, 0.1, shape), variance]
                )
    return model


@pytest.fixture(scope="module")
def shipped(trained: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "face.tflite"
    run = Run(
        name="finder",
        task="face",
        labels=("face",),
        input_size=SIZE,
        preprocess_version=preprocess.VERSION,
        seed=0,
        split_sha256="",
        knobs={},
        versions={},
        history={},
    )
    bundle.write(path, quantize.to_int8(trained, list(PICTURES)), conversion.card(run))
    return path


def answers(model: keras.Model) -> list[np.ndarray]:
    return [np.asarray(each) for each in model.predict_on_batch(PICTURES)]


def test_it_answers_as_the_network_behind_the_bundle_did(trained: keras.Model, shipped: Path) -> None:
    model = warm_finder.from_bundle(shipped, PICTURES, 0.35, CHANNELS)
    for before, after in zip(answers(trained), answers(model), strict=True):
        assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.98
        assert np.abs(before - after).mean() < 0.1 * before.std()


def test_its_batch_norms_know_the_statistics_of_what_comes_in(shipped: Path) -> None:
    """Batch norm trains with the batch's statistics: if they were others, the first step would change the answers."""
    model = warm_finder.from_bundle(shipped, PICTURES, 0.35, CHANNELS)
    for before, after in zip(answers(model), model(PICTURES, training=True), strict=True):
        assert np.corrcoef(before.ravel(), np.asarray(after).ravel())[0, 1] > 0.98


@pytest.mark.parametrize(("alpha", "channels"), [(0.5, CHANNELS), (0.35, CHANNELS + 8)])
def test_a_bundle_of_another_width_is_refused(shipped: Path, alpha: float, channels: int) -> None:
    with pytest.raises(ModelError, match=f"expected a finder of {alpha} width and {channels} channels"):
        warm_finder.from_bundle(shipped, PICTURES, alpha, channels)


def test_a_float_finder_goes_on_as_it_is(trained: keras.Model, tmp_path: Path) -> None:
    run_folder.save(trained, tmp_path / "model.keras")
    model = warm_finder.from_model(tmp_path / "model.keras", SIZE)
    for before, after in zip(trained.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_a_file_that_is_no_finder_or_of_another_side_is_refused(trained: keras.Model, tmp_path: Path) -> None:
    run_folder.save(trained, tmp_path / "model.keras")
    with pytest.raises(ModelError, match=f"its input is {SIZE} px, expected 96"):
        warm_finder.from_model(tmp_path / "model.keras", 96)
    image = keras.Input((SIZE, SIZE, 3))
    run_folder.save(keras.Model(image, keras.layers.GlobalAveragePooling2D()(image)), tmp_path / "other.keras")
    (tmp_path / "none.keras").write_bytes(b"none")
    for name in ("other.keras", "none.keras", "missing.keras"):
        with pytest.raises(ModelError, match="expected a finder of"):
            warm_finder.from_model(tmp_path / name, SIZE)
