"""Keeps what TensorFlow's C++ part writes while it is imported off stderr, where our errors are single lines.

TensorFlow 2.21 writes there before it reads TF_CPP_MIN_LOG_LEVEL: that oneDNN is on, that there is no GPU, twice each.
What fails raises an exception, which is shown as usual.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from maskwatch.system.library_chatter import muted_stderr

NAME = "tensorflow"


def mute() -> None:
    """From now on TensorFlow is imported silently, whoever imports it first."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # for what it writes after its import
    if NAME not in sys.modules and not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    """Finds TensorFlow as Python would, and mutes stderr while its code runs."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - Python's
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        if fullname != NAME:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(NAME)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def silently(module: ModuleType) -> None:
            with muted_stderr():
                execute(module)

        spec.loader.exec_module = silently  # type: ignore[method-assign]
        return spec
