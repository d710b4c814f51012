"""A model's flatbuffer written small: vectors that are equal are stored once.

Each channel of an int8 network has a scale and a zero point, for its weights and again for its biases, and all those
zero points are 0. A flatbuffer refers to its vectors by offset, so one may serve many tables; every reader reads the
same.
"""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from numpy.typing import NDArray
from tensorflow.lite.tools import flatbuffer_utils

IDENTIFIER = b"TFL3"
ALIGNMENT = 16  # bytes, what the schema asks for the content of tensors (force_align)


class SharingBuilder(flatbuffers.Builder):
    """A builder that refers to a numeric vector it has written before instead of writing it again."""

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
        """A tensor's content: the builder of the base class forgets that the schema aligns it."""
        self.StartVector(1, content.size, ALIGNMENT)
        self.head = self.head - content.size
        self.Bytes[self.head : self.head + content.size] = content.tobytes()
        return int(self.EndVector())


def unpack(flatbuffer: bytes) -> Any:
    """The model as an object (schema ModelT) that can be changed. Contents that lie behind the flatbuffer, where
    ai-edge-quantizer puts them, are taken in: their offsets would be wrong in another file.
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
