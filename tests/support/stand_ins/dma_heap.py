"""A stand-in for the Pi kernel's DMA heap: it gives picamera2 frame buffers in memory, as file descriptors."""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any


class Heap:
    """Answers the ioctls that picamera2 makes; it replaces the module fcntl."""

    def __init__(self, numbers: ModuleType) -> None:
        """
        Args:
            numbers: picamera2.dma_heap, which knows the ioctls' numbers.
        """
        self._numbers = numbers

    def ioctl(self, fd: int, request: int, argument: Any) -> int:  # noqa: ARG002
        if request == self._numbers.DMA_HEAP_IOCTL_ALLOC:
            argument.fd = os.memfd_create("frame buffer")
            os.ftruncate(argument.fd, argument.len)
        else:
            assert request in (self._numbers.DMA_BUF_SET_NAME, self._numbers.DMA_BUF_IOCTL_SYNC)
        return 0
