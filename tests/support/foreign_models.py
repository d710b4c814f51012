"""Tiny mask models as in tutorials, with any scaling, order of channels and labels, and ending. None is trained."""

import json
from pathlib import Path
from typing import Any

import colour_models
import h5py
import keras
import numpy as np
import tensorflow as tf
from drawn_faces import CLOTH, SIDE, SKIN, drawn

from convert.foreign.pixels import SCALED
from maskwatch.flow import Image

ROUND_SKIN = 0.35  # share of a channel's range: colours nearer to the skin's count as skin
SURE = 20.0
# RGB; with no scaling or order of channels does this cloth look like skin, or skin like this cloth
YELLOW = (240, 200, 20)


def face(label: str, rng: np.random.Generator) -> Image:
    """(48, 48, 3) a drawn face, its mask of yellow cloth."""
    image = drawn(label, rng)
    image[(image == CLOTH).all(axis=-1)] = YELLOW
    return image


def photographs(root: Path, number: int = 40) -> Path:
    """A data set of such faces."""
    return colour_models.photographs(root, number, face)


def model(
    scaled: str = "-1..1", channels: str = "rgb", bare: int = 1, ending: str = "softmax", size: int | None = SIDE
) -> keras.Model:
    """A model that decides whether the lower half of a drawn face has the skin's colour.

    Args:
        scaled, channels: how it takes its pixels.
        bare: which of two outputs means a bare face.
        ending: softmax or logits with two outputs; with one output sigmoid, as an activation or as a separate layer.
        size: None leaves the input's size open.
    """
    image = keras.Input((size, size, 3))
    seen = keras.layers.Conv2D(2, 1, name="red_and_blue")
    cells = keras.layers.AveragePooling2D(8)(seen(image))
    middle = keras.layers.Cropping2D(((2, 1), (1, 1)))(cells)
    pooled = keras.layers.GlobalAveragePooling2D()(middle)
    away = keras.layers.Dense(4, activation="relu", name="away")
    known = keras.layers.Dense(1 if ending in ("sigmoid", "sigmoid layer") else 2, name="known")
    answer = known(away(pooled))
    if ending == "softmax":
        known.activation = keras.activations.softmax
    elif ending == "sigmoid":
        known.activation = keras.activations.sigmoid
    elif ending == "softmax layer":
        answer = keras.layers.Softmax()(answer)
    elif ending == "sigmoid layer":
        answer = keras.layers.Activation("sigmoid")(answer)
    made = keras.Model(image, answer)
    red = 0 if channels == "rgb" else 2
    picked = np.zeros((1, 1, 3, 2), np.float32)
    picked[0, 0, red, 0] = picked[0, 0, 2 - red, 1] = 1
    seen.set_weights([picked, np.zeros(2, np.float32)])
    factor, offset = SCALED[scaled][0][0], SCALED[scaled][1][0]
    skin = np.array([SKIN[0], SKIN[2]]) * factor + offset
    away.set_weights([np.hstack([np.eye(2), -np.eye(2)]), np.concatenate([-skin, skin])])
    towards = -np.ones((4, 1)) * SURE / (255 * factor)
    sign = np.array([[1.0 if bare == 1 else -1.0]]) if known.units == 1 else np.eye(2)[[bare]] - np.eye(2)[[1 - bare]]
    known.set_weights([towards @ sign, (ROUND_SKIN * SURE * sign)[0]])
    return made


def as_tflite(network: keras.Model, pictures: list[Any] | None = None) -> bytes:
    """A .tflite as a tutorial's converter makes it; with integers if `pictures` are given, as the model takes them."""
    fixed = keras.Input(batch_shape=(1, SIDE, SIDE, 3))
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(fixed, network(fixed)))
    if pictures is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([picture[None]] for picture in pictures)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.uint8
    return bytes(converter.convert())


def keras_2(path: Path) -> Path:
    """An .h5 as Keras 2 wrote it: preprocess_input as TFOpLambda, `groups` in a DepthwiseConv2D, an axis as a list.

    Its output is a softmax of two, by how much more red than blue there is.
    """
    layers = [
        layer(
            "InputLayer", "image", {"batch_input_shape": [None, SIDE, SIDE, 3], "sparse": False, "ragged": False}, []
        ),
        layer("TFOpLambda", "tf.math.truediv", {"function": "math.truediv"}, ["image", {"y": 127.5, "name": None}]),
        layer("TFOpLambda", "tf.math.subtract", {"function": "math.subtract"}, ["tf.math.truediv", {"y": 1.0}]),
        layer("RandomFlip", "flip", {"mode": "horizontal", "rng_type": "stateful"}, ["tf.math.subtract"]),
        layer(
            "DepthwiseConv2D",
            "depthwise",
            {"kernel_size": [1, 1], "groups": 1, "use_bias": False},
            ["flip"],
        ),
        layer("BatchNormalization", "norm", {"axis": [3], "epsilon": 0.001}, ["depthwise"]),
        layer("GlobalAveragePooling2D", "pool", {"data_format": "channels_last"}, ["norm"]),
        layer("Dense", "dense", {"units": 2, "activation": "softmax", "use_bias": True}, ["pool"]),
    ]
    ends = {"input_layers": [["image", 0, 0]], "output_layers": [["dense", 0, 0]]}
    config = {"class_name": "Functional", "config": {"name": "model", "trainable": True, "layers": layers, **ends}}
    weights = {
        "depthwise": {"depthwise_kernel:0": np.ones((1, 1, 3, 1))},
        "norm": {
            f"{name}:0": np.full(3, value)
            for name, value in (("gamma", 1.0), ("beta", 0.0), ("moving_mean", 0.0), ("moving_variance", 0.999))
        },
        "dense": {"kernel:0": np.array([[-4.0, 4.0], [0, 0], [4.0, -4.0]]), "bias:0": np.zeros(2)},
    }
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(config)
        file.attrs["keras_version"], file.attrs["backend"] = "2.15.0", "tensorflow"
        root = file.create_group("model_weights")
        root.attrs["layer_names"] = [each["name"].encode() for each in layers]
        for each in layers:
            group = root.create_group(each["name"])
            tables = weights.get(each["name"], {})
            group.attrs["weight_names"] = [f"{each['name']}/{name}".encode() for name in tables]
            for name, values in tables.items():
                group[f"{each['name']}/{name}"] = values.astype(np.float32)
    return path


def layer(kind: str, name: str, config: dict[str, Any], inbound: list[Any]) -> dict[str, Any]:
    """One layer of a functional model, in Keras 2's form."""
    nodes = [[[inbound[0], 0, 0, inbound[1] if len(inbound) > 1 else {}]]] if inbound else []
    told = {"name": name, "trainable": True, "dtype": "float32", **config}
    if kind == "TFOpLambda":  # an argument that is not a layer's output: one list less
        nodes = [[inbound[0], 0, 0, inbound[1]]]
    return {"class_name": kind, "name": name, "config": told, "inbound_nodes": nodes}
