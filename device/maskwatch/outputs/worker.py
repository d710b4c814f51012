"""One output on a separate thread: it gets its messages in order, and whether it works is known at any time."""

from __future__ import annotations

import contextlib
import itertools
import math
import queue
import threading
from collections.abc import Callable

from maskwatch.errors import MaskwatchError
from maskwatch.outputs.output import Output

HUNG = 5.0  # seconds; a call that has not returned by then counts as failed
RETRY = 1.0  # seconds after which an output that failed is asked again: a buzzer must not stay on for one bad write
IDLE = 5.0  # seconds without a message, then an output is asked for a beat: see Output.beat
SETTLED = 3.0  # seconds an output must work before its failure is over: a loose contact would tell of each touch
QUEUED = 1000  # messages that wait for an output; a hung one must not fill the memory in days

Message = Callable[[Output], None]
Told = tuple[int, str, Message]  # number, what stays true until the next of that name or "", the message itself
BEAT_ONLY: Told = (0, "", lambda _: None)


class OutputThread:
    """An output, its queue and its thread. The thread closes the output too, so none waits for another's end."""

    def __init__(self, output: Output, clock: Callable[[], float]) -> None:
        self.output, self._clock = output, clock
        self.lost = 0  # messages for which there was no room
        self._queue: queue.Queue[Told | None] = queue.Queue(QUEUED)
        self._numbers = itertools.count(1)  # next() is one step, also with two threads that tell
        self._newest = 0  # number of a message told
        self._state: dict[str, Message] = {}  # the newest of each name
        self._stale = False  # whether the output may not know that state
        self._known = 0  # number up to which its state was handed on anew
        self._ending = False
        self._over = False  # whether the thread has ended
        self._called: float | None = None  # seconds, since when the output has not returned; None: it has
        self._reason: str | None = None  # why the last call failed; None: it did not
        self._failed = (-math.inf, "")  # seconds, and why: the newest failure
        self._thread = threading.Thread(target=self._work, name=f"output {output.name}", daemon=True)
        self._thread.start()

    # -- on the thread of whoever tells -----------------------------------------------------------------------------

    def tell(self, message: Message, state: str = "") -> None:
        """Queue a message; `state` names what stays true until the next message of that name."""
        number = next(self._numbers)
        if state:
            self._state[state] = message
        self._newest = number  # after the state: see _catch_up
        try:
            self._queue.put_nowait((number, state, message))
        except queue.Full:  # the output hangs; what is state it gets once it comes back
            self.lost += 1
            self._stale = True

    def failing(self, now: float) -> str | None:
        """Why it does not work at this moment; None: it does."""
        called = self._called
        if called is not None and now - called >= HUNG:
            return f"no answer for {HUNG:g} s"
        if self._over and not self._ending:
            return "its thread has ended"
        return self._reason

    def trouble(self, now: float) -> str | None:
        """Why it does not work, or did not until a moment ago."""
        failing = self.failing(now)
        if failing is not None:
            return failing
        failed_at, reason = self._failed
        return reason if now - failed_at < SETTLED else None

    def end(self) -> None:
        """Let it finish what is queued, then close it; see join."""
        self._ending = True
        with contextlib.suppress(queue.Full):  # then it sees _ending once the queue is empty
            self._queue.put_nowait(None)

    def join(self, within: float) -> bool:
        """Wait for the end that end() asked for; whether it came."""
        self._thread.join(within)
        return not self._thread.is_alive()

    def force(self) -> threading.Thread:
        """Close the output on a separate thread, beside one that hangs: its pin must not stay on."""
        closer = threading.Thread(target=self._close, name=f"closing {self.output.name}", daemon=True)
        with contextlib.suppress(RuntimeError):  # no thread to be had; the rest must still be closed
            closer.start()
        return closer

    # -- on the output's thread -------------------------------------------------------------------------------------

    def _work(self) -> None:
        wait = math.inf
        try:
            while (told := self._next(wait)) is not None:
                wait = self._follow(told)
        finally:  # a defect of ours
            self._over = True
            self._close()

    def _next(self, wait: float) -> Told | None:
        try:
            return self._queue.get(timeout=0.0 if self._ending else min(wait, IDLE))
        except queue.Empty:
            return None if self._ending else BEAT_ONLY

    def _follow(self, told: Told) -> float:
        """Hand on a message, then a beat; seconds until the next one."""
        began = self._called = self._clock()
        try:
            self._hand_on(told)
            wait = self.output.beat(self._clock())
        except BaseException as error:  # SystemExit too: whatever a driver raises, this thread must go on
            self._fail(error)
            return RETRY
        finally:
            self._called = None
        if (now := self._clock()) - began >= HUNG:
            self._failed = (now, f"no answer for {HUNG:g} s")
        self._reason = None
        return wait

    def _hand_on(self, told: Told) -> None:
        number, state, message = told
        if self._stale:
            self._catch_up()
        if not state or number > self._known:
            message(self.output)

    def _catch_up(self) -> None:
        """The state as it is now; what waits in the queue of it is older, and not handed on any more."""
        self._stale, known = False, self._newest
        for message in list(self._state.values()):
            message(self.output)
        self._known = known

    def _fail(self, error: BaseException) -> None:
        kind = "" if isinstance(error, MaskwatchError) else f"{type(error).__name__}: "  # our own texts tell it all
        self._reason = " ".join(f"{kind}{error}".split())
        self._failed = (self._clock(), self._reason)
        self._stale = True

    def _close(self) -> None:
        try:
            self.output.close()
        except BaseException as error:  # the remaining outputs must still be closed
            self._fail(error)
