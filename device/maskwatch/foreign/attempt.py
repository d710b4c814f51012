"""The child that tries a model: started, waited for as long as is set, and its end told in one line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from maskwatch.errors import ModelError

SECONDS = 40.0  # the child's whole life; on a slow board its imports alone take some
INTERRUPTED = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
# glibc reserves 64 MiB of addresses for each thread that asks for memory; one such reserve is enough.
ENVIRONMENT = {"MALLOC_ARENA_MAX": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def attempt(kind: str, content: bytes, path: Path, threads: int, seconds: float = SECONDS) -> None:
    """Try a model in a child.

    Args:
        kind: mask, face or yunet.
        content: of its file; the child gets these bytes, whatever becomes of the file meanwhile.
        path: for messages.
        threads: of the interpreter.
        seconds: the child may take.

    Raises:
        ModelError: it crashed, did not end, or was refused by the child.
    """
    command = [sys.executable, "-P", "-m", "maskwatch.foreign.child", kind, str(threads), str(path)]
    try:
        ended = subprocess.run(
            command,
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            start_new_session=True,  # Ctrl-C is for the program, not for its child
            env={**os.environ, **ENVIRONMENT},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(
            f"model {path}: did not answer a few pictures within {seconds:g} s when it was tried"
        ) from error
    except OSError as error:
        raise ModelError(f"model {path}: cannot be tried: {error.strerror}") from error
    if reason := refusal(path, ended.returncode, ended.stdout):
        raise ModelError(reason)


def refusal(path: Path, code: int, output: bytes) -> str | None:
    """Why a model is refused, by how its child ended; None where it is not.

    Args:
        path: for messages.
        code: the child's exit code, or the negative of the signal that ended it.
        output: what it printed.
    """
    if code < 0:
        name = signal.Signals(-code).name
        if -code in INTERRUPTED:
            return f"model {path}: its trial was interrupted ({name})"
        return f"model {path}: crashes the runtime ({name}), or takes too much memory or time"
    try:
        reason = json.loads(output)["refused"]
    except (ValueError, KeyError, TypeError):
        return f"model {path}: ended the process that tried it (exit code {code})"
    return None if reason is None else str(reason)
