"""Writes a model's flatbuffer smaller: equal vectors are stored once.

Each channel of an int8 network has a scale and a zero point, for its weights and for its biases, and all these zero
points are 0. A flatbuffer refers to vectors by offset, so several tables can use the same one; readers see no
difference.
"""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from numpy.typing import NDArray
from tensorflow.lite.tools import flatbuffer_utils

IDENTIFIER = b"TFL3"
ALIGNMENT = 16  # bytes, required by the schema for the content of tensors (force_align)


class SharingBuilder(flatbuffers.Builder):
    """A builder that reuses a numeric vector that it has written before."""

    def __init__(self) -> None:
        super().__init__(1 << 20)
        self._written: dict[tuple[str, bytes], int] = {}

    def CreateNumpyVector(self, x: NDArray[Any]) -> int:  # noqa: N802 (the name of what it overrides)
        """The offset of a vector of these values."""
        key = (x.dtype.str, x.tobytes())
        if key not in self._written:
            self._written[key] = self._aligned(x) if x.dtype == np.uint8 else int(super().CreateNumpyVector(x))
        return self._written[key]

    def _aligned(self, content: NDArray[np.uint8]) -> int:
        """A tensor's content, aligned as the schema requires, which the base class does not do."""
        self.StartVector(1, content.size, ALIGNMENT)
        self.head = self.head - content.size
        self.Bytes[self.head : self.head + content.size] = content.tobytes()
        return int(self.EndVector())


def unpack(flatbuffer: bytes) -> Any:
    """The model as a changeable object (schema ModelT). Contents after the flatbuffer, where ai-edge-quantizer puts
    them, are moved into it: their offsets would be wrong in another file.
    """
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(flatbuffer))
    for buffer in model.buffers:
        if buffer.size:
            buffer.data = np.frombuffer(flatbuffer, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0
    return model


def pack(model: Any) -> bytes:
    """The object as a flatbuffer, equal vectors stored once."""
    builder = SharingBuilder()
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def packed(flatbuffer: bytes) -> bytes:
    """The same model in fewer bytes."""
    return pack(unpack(flatbuffer))
