"""Runs one output on a separate thread. The output gets its messages in order, and its state is known at any time."""

from __future__ import annotations

import contextlib
import itertools
import math
import queue
import threading
from collections.abc import Callable

from maskwatch.errors import MaskwatchError
from maskwatch.outputs.output import Output

HUNG = 5.0  # seconds; a call that takes longer counts as failed
RETRY = 1.0  # seconds until a failed output is tried again, so that a single bad write does not leave a buzzer on
IDLE = 5.0  # seconds without a message after which beat() is called, see Output.beat
SETTLED = 3.0  # seconds without failure before a failure is over; a loose contact would otherwise fill the log
QUEUED = 1000  # messages that wait at most, so that a hanging output cannot fill the memory

Message = Callable[[Output], None]
Entry = tuple[int, str, Message]  # number, name of the state it sets or "", the message
BEAT_ONLY: Entry = (0, "", lambda _: None)


class OutputThread:
    """An output with its queue and its thread. The thread also closes the output, so that no output waits for
    another."""

    def __init__(self, output: Output, clock: Callable[[], float]) -> None:
        self.output, self._clock = output, clock
        self.lost = 0  # messages that did not fit into the queue
        self._queue: queue.Queue[Entry | None] = queue.Queue(QUEUED)
        self._numbers = itertools.count(1)  # next() is atomic, so two threads may call tell()
        self._newest = 0  # number of the newest message
        self._state: dict[str, Message] = {}  # state -> its newest message
        self._stale = False  # whether the output may have missed a state
        self._known = 0  # the state messages up to this number were superseded by _catch_up()
        self._ending = False
        self._over = False  # whether the thread has ended
        self._called: float | None = None  # seconds, when the running call began; None: none runs
        self._reason: str | None = None  # why the last call failed; None: it succeeded
        self._failed = (-math.inf, "")  # seconds and reason of the newest failure
        self._thread = threading.Thread(target=self._work, name=f"output {output.name}", daemon=True)
        self._thread.start()

    # -- on the thread of the caller --------------------------------------------------------------------------------

    def tell(self, message: Message, state: str = "") -> None:
        """Queue a message. If it sets a state (such as "mute"), `state` names it: only the newest message of it
        counts."""
        number = next(self._numbers)
        if state:
            self._state[state] = message
        self._newest = number  # set after the state, as _catch_up needs it
        try:
            self._queue.put_nowait((number, state, message))
        except queue.Full:  # the output hangs; it gets the newest states when it returns
            self.lost += 1
            self._stale = True

    def failing(self, now: float) -> str | None:
        """Why the output does not work at this moment; None: it works."""
        called = self._called
        if called is not None and now - called >= HUNG:
            return f"no answer for {HUNG:g} s"
        if self._over and not self._ending:
            return "its thread has ended"
        return self._reason

    def trouble(self, now: float) -> str | None:
        """Why the output does not work, or did not until less than SETTLED seconds ago; None: it works."""
        failing = self.failing(now)
        if failing is not None:
            return failing
        failed_at, reason = self._failed
        return reason if now - failed_at < SETTLED else None

    def end(self) -> None:
        """Let the thread process its queue and close the output; see join."""
        self._ending = True
        with contextlib.suppress(queue.Full):  # the thread sees _ending when the queue is empty
            self._queue.put_nowait(None)

    def join(self, within: float) -> bool:
        """Wait for the thread's end for `within` seconds; return whether it ended."""
        self._thread.join(within)
        return not self._thread.is_alive()

    def force(self) -> threading.Thread:
        """Close the output on another thread while its own hangs, so that its pin does not stay on."""
        closer = threading.Thread(target=self._close, name=f"closing {self.output.name}", daemon=True)
        with contextlib.suppress(RuntimeError):  # no thread can be started; the others must still be closed
            closer.start()
        return closer

    # -- on the output's thread -------------------------------------------------------------------------------------

    def _work(self) -> None:
        wait = math.inf
        try:
            while (entry := self._next(wait)) is not None:
                wait = self._follow(entry)
        finally:  # after an exception, which is a defect in our code
            self._over = True
            self._close()

    def _next(self, wait: float) -> Entry | None:
        try:
            return self._queue.get(timeout=0.0 if self._ending else min(wait, IDLE))
        except queue.Empty:
            return None if self._ending else BEAT_ONLY

    def _follow(self, entry: Entry) -> float:
        """Pass on a message, then call beat(); return the seconds until the next beat."""
        began = self._called = self._clock()
        try:
            self._pass_on(entry)
            wait = self.output.beat(self._clock())
        except BaseException as error:  # also SystemExit: this thread must go on whatever a driver raises
            self._fail(error)
            return RETRY
        finally:
            self._called = None
        if (now := self._clock()) - began >= HUNG:
            self._failed = (now, f"no answer for {HUNG:g} s")
        self._reason = None
        return wait

    def _pass_on(self, entry: Entry) -> None:
        number, state, message = entry
        if self._stale:
            self._catch_up()
        if not state or number > self._known:
            message(self.output)

    def _catch_up(self) -> None:
        """Pass on the newest message of each state. Older ones in the queue are skipped then."""
        self._stale, known = False, self._newest
        for message in list(self._state.values()):
            message(self.output)
        self._known = known

    def _fail(self, error: BaseException) -> None:
        kind = "" if isinstance(error, MaskwatchError) else f"{type(error).__name__}: "
        self._reason = " ".join(f"{kind}{error}".split())
        self._failed = (self._clock(), self._reason)
        self._stale = True

    def _close(self) -> None:
        try:
            self.output.close()
        except BaseException as error:  # the remaining outputs must still be closed
            self._fail(error)
