"""Runs a child process that tries a model, with a time limit, and turns its end into one line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from maskwatch.errors import ModelError

SECONDS = 40.0  # for the child as a whole; on a slow board the imports alone take several seconds
INTERRUPTED = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
# glibc reserves 64 MiB of address space for each thread that allocates memory; one such arena is enough.
ENVIRONMENT = {"MALLOC_ARENA_MAX": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def attempt(kind: str, content: bytes, path: Path, threads: int, seconds: float = SECONDS) -> None:
    """Try a model in a child process.

    Args:
        kind: mask, face or yunet.
        content: of its file; the child gets these bytes, even if the file changes meanwhile.
        path: for messages.
        threads: of the interpreter.
        seconds: time limit for the child.

    Raises:
        ModelError: the child crashed, did not end in time, or refused the model.
    """
    command = [sys.executable, "-P", "-m", "maskwatch.vision.foreign.trial_process", kind, str(threads), str(path)]
    try:
        ended = subprocess.run(
            command,
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            start_new_session=True,  # so that Ctrl-C does not reach the child
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
    """Why a model is refused, from the end of its child; None: it is accepted.

    Args:
        path: for messages.
        code: the child's exit code, or minus the number of the signal that ended it.
        output: of the child on stdout.
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
