"""An int8 finder gives its scores in fine steps, and nothing else of it changes."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from convert import ends, layers, quantize
from convert.recipe import Recipe
from convert.variants import make
from maskwatch.flow import Image
from maskwatch.vision.quantization import Floats
from maskwatch.vision.runtime import Model, open_interpreter
from training.networks import finder

SIZE = 64
PICTURES: list[Image] = [
    *(np.full((SIZE, SIZE, 3), grey, np.uint8) for grey in (0, 255)),
    *np.random.default_rng(0).integers(0, 256, (6, SIZE, SIZE, 3), np.uint8),
]


@pytest.fixture(scope="module")
def network() -> keras.Model:
    """Maps like a finder's, as sure as a trained one that nobody is there: its logits lie between -100 and 10."""
    keras.utils.set_random_seed(0)
    image = keras.Input((SIZE, SIZE, 3))
    feature, outputs = keras.layers.Rescaling(1 / 127.5, -1)(image), []
    for stride in finder.STRIDES:
        feature = keras.layers.AveragePooling2D(8 if stride == 8 else 2)(feature)
        feature = keras.layers.Conv2D(6, 3, padding="same", activation="relu6")(feature)
        outputs.append(keras.layers.Conv2D(1, 1, name=f"score{stride}")(feature))
        outputs.append(keras.layers.Conv2D(4, 1, name=f"box{stride}")(feature))
    model = keras.Model(image, outputs)
    for stride in finder.STRIDES:
        score = model.get_layer(f"score{stride}")
        seen = np.asarray(keras.Model(image, score.output)(np.stack(PICTURES).astype(np.float32)))
        kernel, bias = score.get_weights()
        factor = 110 / np.ptp(seen)
        score.set_weights([kernel * factor, bias * factor + 10 - factor * seen.max()])
    return model


@pytest.fixture(scope="module")
def coarse(network: keras.Model) -> bytes:
    return quantize.to_int8(network, PICTURES)


@pytest.fixture(scope="module")
def fine(coarse: bytes) -> bytes:
    return ends.fine_scores(coarse)


def answers(flatbuffer: bytes, picture: Image) -> dict[tuple[int, ...], Floats]:
    return {answer.shape: answer for answer in Model(flatbuffer, 1, "here").run(picture)}


def steps(flatbuffer: bytes) -> dict[tuple[int, ...], float]:
    entries = open_interpreter(flatbuffer, 1, "here").get_output_details()
    return {tuple(entry["shape"]): entry["quantization"][0] for entry in entries}


def test_every_score_is_the_same_number_in_finer_steps(coarse: bytes, fine: bytes) -> None:
    before, after = steps(coarse), steps(fine)
    seen = 0
    for picture in PICTURES:
        old, new = answers(coarse, picture), answers(fine, picture)
        for shape in old:
            if shape[-1] == 4:
                assert np.array_equal(old[shape], new[shape])
                continue
            assert after[shape] < before[shape] / 5
            faint = old[shape] < ends.LOWEST_LOGIT - before[shape]
            assert new[shape][faint] == pytest.approx(ends.LOWEST_LOGIT, abs=after[shape])
            clear = old[shape] > ends.LOWEST_LOGIT + before[shape]
            both = (before[shape] + after[shape]) / 2
            assert new[shape][clear] == pytest.approx(old[shape][clear], abs=both + 1e-4)
            seen += int(clear.sum())
    assert seen > 20


def test_a_finder_gets_them_when_it_is_converted_and_another_network_does_not(
    network: keras.Model, coarse: bytes, fine: bytes
) -> None:
    recipe = Recipe(variants=("float32", "int8"))
    assert steps(make(network, PICTURES, recipe, "face")["int8"]) == steps(fine)
    assert steps(make(network, PICTURES, recipe, "scene")["int8"]) == steps(coarse)


def test_a_faint_score_is_no_error_of_its_layer(network: keras.Model, fine: bytes) -> None:
    float32 = quantize.to_float32(network)
    whole = {each.tensor: each.sqnr_db for each in layers.errors(float32, fine, PICTURES)}
    seen = {each.tensor: each.sqnr_db for each in layers.errors(float32, fine, PICTURES, ends.LOWEST_LOGIT)}
    changed = {name for name in whole if whole[name] != seen[name]}
    assert len(changed) == len(finder.STRIDES)  # the boxes' errors and those between are what they were
    assert all(seen[name] > whole[name] for name in changed)
