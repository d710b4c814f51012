"""A slimmed finder gives the same answers when the removed channels were 0 or equal to others."""

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="needs extra `train`")
tf = pytest.importorskip("tensorflow", reason="needs extra `train`")

from training.finder import slimming  # noqa: E402
from training.networks import finder  # noqa: E402

SIZE, ALPHA, CHANNELS = 64, 0.35, 8
SILENT = (1, 2, 5, 8, 9, 11, 14, 15)
ALIVE = tuple(sorted({*range(16)} - {*SILENT}))
PICTURES = np.random.default_rng(0).integers(0, 256, (6, SIZE, SIZE, 3), np.uint8)


def build(seed: int = 0) -> keras.Model:
    """A finder whose batch norms have statistics of some pictures."""
    keras.utils.set_random_seed(seed)
    model = finder.build(SIZE, ALPHA, CHANNELS)
    rng = np.random.default_rng(seed)
    for layer in [*model.layers, *model.get_layer(finder.TRUNK).layers]:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = layer.get_weights()
            shapes = gamma.shape
            layer.set_weights([gamma, beta + rng.uniform(-0.2, 0.8, shapes), mean, variance * rng.uniform(0.2, 1.0)])
    return model


def silence(model: keras.Model, channels: tuple[int, ...], says: float = 0.0) -> None:
    """Make these channels of the stem constant."""
    norm = model.get_layer(finder.TRUNK).get_layer(slimming.DEPTHWISE_NORM)
    gamma, beta, mean, variance = norm.get_weights()
    gamma[list(channels)], beta[list(channels)] = 0, says
    norm.set_weights([gamma, beta, mean, variance])


def answers(model: keras.Model) -> list[np.ndarray]:
    return [np.asarray(answer) for answer in model(PICTURES.astype(np.float32), training=False)]


@pytest.mark.parametrize("says", [0.0, 0.7])
def test_a_stem_without_its_silent_channels_answers_the_same(says: float) -> None:
    model = build()
    silence(model, SILENT, says)
    slimmed, lost = slimming.slim(model, len(ALIVE), PICTURES, ALPHA, CHANNELS)
    assert lost == pytest.approx(0, abs=1e-6)
    kernel = slimmed.get_layer(finder.TRUNK).get_layer(finder.STEM).get_weights()[0]
    assert np.array_equal(kernel, model.get_layer(finder.TRUNK).get_layer(finder.STEM).get_weights()[0][..., ALIVE])
    for before, after in zip(answers(model), answers(slimmed), strict=True):
        np.testing.assert_allclose(after, before, atol=2e-5 * np.abs(before).max())


def test_a_channel_that_repeats_another_goes_and_the_other_speaks_for_both() -> None:
    model = build()
    trunk = model.get_layer(finder.TRUNK)
    for name in (finder.STEM, slimming.STEM_NORM, slimming.DEPTHWISE, slimming.DEPTHWISE_NORM):
        layer = trunk.get_layer(name)
        weights = layer.get_weights()
        for weight in weights:
            channels = weight[:, :, :, 0] if name == slimming.DEPTHWISE else weight
            channels[..., 12] = channels[..., 3]
        layer.set_weights(weights)
    slimmed, lost = slimming.slim(model, 15, PICTURES, ALPHA, CHANNELS)
    assert lost == pytest.approx(0, abs=1e-6)
    for before, after in zip(answers(model), answers(slimmed), strict=True):
        np.testing.assert_allclose(after, before, atol=2e-5 * np.abs(before).max())


def test_the_fewer_channels_stay_the_more_is_lost_and_the_record_says_how_much() -> None:
    model = build()
    losses = [slimming.slim(model, stem, PICTURES, ALPHA, CHANNELS)[1] for stem in (16, 12, 8, 4)]
    assert losses == sorted(losses)
    assert losses[0] == pytest.approx(0, abs=1e-9)
    assert 0 < losses[1] < losses[3] < 1


def test_the_fit_is_better_than_to_leave_the_projection_as_it_was() -> None:
    model = build(1)
    slimmed, _ = slimming.slim(model, 10, PICTURES, ALPHA, CHANNELS)
    kept = slimmed.get_layer(finder.TRUNK).get_layer(finder.STEM).get_weights()[0]
    stem = model.get_layer(finder.TRUNK).get_layer(finder.STEM).get_weights()[0]
    channels = [int(np.argmin(np.abs(stem - kept[..., [each]]).sum(axis=(0, 1, 2)))) for each in range(10)]
    naive = finder.build(SIZE, ALPHA, CHANNELS, stem=10)
    naive.set_weights(slimmed.get_weights())
    for name in (slimming.PROJECTION, slimming.PROJECTION_NORM):
        weights = model.get_layer(finder.TRUNK).get_layer(name).get_weights()
        if name == slimming.PROJECTION:
            weights = [weights[0][:, :, channels]]
        naive.get_layer(finder.TRUNK).get_layer(name).set_weights(weights)

    def projected(finder_: keras.Model) -> np.ndarray:
        trunk = finder_.get_layer(finder.TRUNK)
        look = keras.Model(trunk.input, trunk.get_layer(slimming.PROJECTION_NORM).output)
        return np.asarray(look(PICTURES / np.float32(127.5) - 1))

    def error(other: keras.Model) -> float:
        return float(np.square(projected(other) - projected(model)).mean())

    assert 0 < error(slimmed) < 0.5 * error(naive)


def test_a_slimmed_finder_is_loaded_by_plain_keras(tmp_path: object) -> None:
    slimmed, _ = slimming.slim(build(), 8, PICTURES, ALPHA, CHANNELS)
    slimmed.save(f"{tmp_path}/model.keras")
    again = keras.models.load_model(f"{tmp_path}/model.keras", compile=False)
    for before, after in zip(answers(slimmed), answers(again), strict=True):
        assert np.array_equal(before, after)
