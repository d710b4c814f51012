"""Converts what Keras 2 wrote into an .h5 file to what Keras 3 reads."""

from __future__ import annotations

from typing import Any

import keras

ARITHMETIC = {
    "math.truediv": keras.ops.true_divide,
    "math.divide": keras.ops.divide,
    "math.multiply": keras.ops.multiply,
    "math.subtract": keras.ops.subtract,
    "math.add": keras.ops.add,
    "__operators__.add": keras.ops.add,
    "nn.bias_add": keras.ops.add,
}


class TFOpLambda(keras.layers.Layer):
    """Arithmetic between layers, which `preprocess_input(inputs)` leaves in a model. Other functions are refused."""

    def __init__(self, function: str, **others: Any) -> None:
        super().__init__(**others)
        if function not in ARITHMETIC:
            raise ValueError(f"function {function} of TensorFlow, expected one of {', '.join(ARITHMETIC)}")
        self.function = function

    def call(self, x: Any, y: Any = None, value: Any = None, bias: Any = None, name: Any = None) -> Any:
        """The operation on two values; the second has different names in different functions."""
        del name
        second = next(each for each in (y, value, bias) if each is not None)
        return ARITHMETIC[self.function](x, keras.ops.cast(keras.ops.convert_to_tensor(second), x.dtype))


LEGACY = {"TFOpLambda": TFOpLambda}


def convert(node: Any) -> None:
    """Change a config in place where Keras 3 expects another form. Configs of Keras 3 stay as they are."""
    if isinstance(node, dict):
        if isinstance(node.get("class_name"), str) and isinstance(node.get("config"), dict):
            _mend_layer(node, node["config"])
        for inner in node.values():
            convert(inner)
    elif isinstance(node, list):
        for inner in node:
            convert(inner)


def _mend_layer(node: dict[str, Any], config: dict[str, Any]) -> None:
    kind, nodes = node["class_name"], node.get("inbound_nodes")
    if ".engine." in str(node.get("module")):  # a nested model: Keras 2 names a module that Keras 3 does not have
        node.pop("module"), node.pop("registered_name", None)
    if kind == "DepthwiseConv2D":  # in each MobileNet, and in Teachable Machine's models
        config.pop("groups", None)
    elif kind == "BatchNormalization" and isinstance(config.get("axis"), list):
        config["axis"] = config["axis"][0]
    elif kind.rpartition(">")[2].startswith("Random"):  # they vary pictures in training only
        node["class_name"] = "Identity"
        node["config"] = {"name": config.get("name")}
        if isinstance(nodes, list):
            node["inbound_nodes"] = nodes = [[entry[:3] for entry in each] for each in nodes if isinstance(each, list)]
    for ends in ("input_layers", "output_layers"):  # a list of one would give a list as output, which no layer accepts
        found = config.get(ends)
        if isinstance(found, list) and len(found) == 1 and isinstance(found[0], list):
            config[ends] = found[0]
    # A call with a single argument that is not a layer's output has one list less around it
    if isinstance(nodes, list):
        node["inbound_nodes"] = [
            [each] if isinstance(each, list) and each and isinstance(each[0], str) else each for each in nodes
        ]
