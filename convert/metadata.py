"""TFLite metadata: what any TFLite tool needs to feed the model and to name its outputs.

The flatbuffer follows the public schema metadata_schema.fbs (identifier M001) and is written field by field with the
flatbuffers builder. The labels.txt that it names is in the archive that maskwatch.vision.bundle appends to the model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import flatbuffers
import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from convert import packing
from maskwatch.vision.bundle import LABELS_FILE
from maskwatch.vision.model_card import ModelCard

ENTRY = b"TFLITE_METADATA"  # readers look for this name in the model's list of metadata
IDENTIFIER = b"M001"
MIN_PARSER_VERSION = "1.0.0"  # every field written here was in the schema's first version
NORMALIZATION, IMAGE, FEATURE = 1, 2, 1  # members of the unions ProcessUnitOptions and ContentProperties
RGB, TENSOR_AXIS_LABELS = 1, 2  # of the enums ColorSpaceType and AssociatedFileType
# The input tensor has the camera's own 0–255 (scale 1, zero point 0) and the network does the scaling, so no
# normalisation is left: (x - 0) / 1.
MEAN, STD = 0.0, 1.0
OUTPUTS = {
    "score": "Logits, one a class.",
    "box": "Centre offset and log size, in strides.",
    "anchors": "For each anchor of a cell the logits of x, y, width, height, objectness and the classes, as YOLOv5's.",
}

Field = Callable[[flatbuffers.Builder], None]


def insert(flatbuffer: bytes, card: ModelCard, output_shapes: Sequence[tuple[int, ...]]) -> bytes:
    """The model with its metadata inside; earlier metadata is replaced."""
    model = packing.unpack(flatbuffer)
    content = schema.BufferT()
    content.data = np.frombuffer(build(card, output_shapes), np.uint8)
    model.buffers.append(content)
    entry = schema.MetadataT()
    entry.name, entry.buffer = ENTRY, len(model.buffers) - 1
    model.metadata = [old for old in model.metadata or [] if old.name != ENTRY] + [entry]
    return packing.pack(model)


def build(card: ModelCard, output_shapes: Sequence[tuple[int, ...]]) -> bytes:
    """The metadata flatbuffer. Outputs whose last axis is the classes get the labels file."""
    builder = flatbuffers.Builder(1024)
    outputs = [_output(builder, card, index, shape) for index, shape in enumerate(output_shapes)]
    inputs, outputs_vector = _vector(builder, [_input(builder, card)]), _vector(builder, outputs)
    subgraph = _table(builder, 10, {2: _offset(inputs), 3: _offset(outputs_vector)})
    texts = {
        0: f"maskwatch {card.name}",
        1: f"Task '{card.task}': classes {', '.join(card.labels)}. The archive holds the model card.",
        4: "maskwatch",
        5: "MIT",
        7: MIN_PARSER_VERSION,
    }
    fields = {slot: _offset(builder.CreateString(text)) for slot, text in texts.items()}
    root = _table(builder, 8, {**fields, 3: _offset(_vector(builder, [subgraph]))})
    builder.Finish(root, file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def _input(builder: flatbuffers.Builder, card: ModelCard) -> int:
    """TensorMetadata of the image."""
    side = card.input_size
    size = _table(builder, 2, {0: _uint32(side), 1: _uint32(side)})
    image = _table(builder, 2, {0: _byte(RGB), 1: _offset(size)})
    mean, std = _floats(builder, [MEAN]), _floats(builder, [STD])
    normalization = _table(builder, 2, {0: _offset(mean), 1: _offset(std)})
    unit = _table(builder, 2, {0: _ubyte(NORMALIZATION), 1: _offset(normalization)})
    largest, smallest = _floats(builder, [255.0]), _floats(builder, [0.0])
    return _tensor(
        builder,
        "image",
        f"{side}x{side} RGB, 0-255, geometry of maskwatch.vision.preprocess version {card.preprocess_version}.",
        {
            3: _offset(_content(builder, IMAGE, image)),
            4: _offset(_vector(builder, [unit])),
            5: _offset(_table(builder, 2, {0: _offset(largest), 1: _offset(smallest)})),
        },
    )


def _output(builder: flatbuffers.Builder, card: ModelCard, index: int, shape: tuple[int, ...]) -> int:
    """TensorMetadata of one output."""
    fields = {3: _offset(_content(builder, FEATURE, _table(builder, 0, {})))}
    scores = shape[-1] == len(card.labels)
    if scores:
        fields[6] = _offset(_vector(builder, [_labels_file(builder)]))
    name = "score" if scores else "anchors" if card.task == "scene" else "box"
    return _tensor(builder, f"{name}{index}", OUTPUTS[name], fields)


def _labels_file(builder: flatbuffers.Builder) -> int:
    """AssociatedFile."""
    name = builder.CreateString(LABELS_FILE)
    return _table(builder, 5, {0: _offset(name), 2: _byte(TENSOR_AXIS_LABELS)})


def _tensor(builder: flatbuffers.Builder, name: str, description: str, fields: dict[int, Field]) -> int:
    texts = {0: _offset(builder.CreateString(name)), 1: _offset(builder.CreateString(description))}
    return _table(builder, 7, {**texts, **fields})


def _content(builder: flatbuffers.Builder, kind: int, properties: int) -> int:
    return _table(builder, 3, {0: _ubyte(kind), 1: _offset(properties)})


def _table(builder: flatbuffers.Builder, slots: int, fields: dict[int, Field]) -> int:
    """A table with these slots filled; what its offsets refer to must be written before."""
    builder.StartObject(slots)
    for slot, prepend in fields.items():
        prepend(builder)
        builder.Slot(slot)
    return int(builder.EndObject())


def _offset(target: int) -> Field:
    return lambda builder: builder.PrependUOffsetTRelative(target)


def _byte(value: int) -> Field:
    return lambda builder: builder.PrependInt8(value)


def _ubyte(value: int) -> Field:
    return lambda builder: builder.PrependUint8(value)


def _uint32(value: int) -> Field:
    return lambda builder: builder.PrependUint32(value)


def _vector(builder: flatbuffers.Builder, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _floats(builder: flatbuffers.Builder, values: Sequence[float]) -> int:
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependFloat32(value)
    return int(builder.EndVector())
