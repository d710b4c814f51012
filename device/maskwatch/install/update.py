"""`maskwatch update`: tries another version; if it does not start, the previous tree is used again.

Run as a program, it finishes an update that a power cut interrupted.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path

from maskwatch.errors import FlashError
from maskwatch.install import new_tree, running, service_files, trees, volatile
from maskwatch.install.install import require_root
from maskwatch.install.machine import Machine
from maskwatch.install.places import SERVICE, TRYING


def update(
    machine: Machine,
    what: str,
    say: Callable[[str], None],
    why_not: Callable[[Machine], str | None] = running.why_not,
) -> None:
    """Make the tree, switch to it, and wait until it watches.

    Args:
        machine: to update.
        what: see new_tree.make.
        say: called with a line about each step.
        why_not: waits for the service; see running.why_not.

    Raises:
        FlashError: the tree cannot be made, or does not start; then the previous one is used again.
    """
    require_root(machine)
    if volatile.is_on(machine):
        raise FlashError(
            "this unit's card is read-only: run `sudo maskwatch volatile off`, reboot, update, then switch it on again"
        )
    with contextlib.suppress(FlashError):  # it went back to the previous tree, which is updated now
        settle(machine, say, why_not)
    before = trees.in_use(machine)
    tree = new_tree.make(machine, what)
    if before is not None and tree.name == before.name:
        say(f"{tree.name} is already in use")
        return
    say(f"trying {tree.name}; {before.name if before else 'the version in use'} is kept")
    machine.write(TRYING, f"{tree.name}\n")
    trees.use(machine, tree)
    judge(machine, say, why_not)


def judge(
    machine: Machine, say: Callable[[str], None], why_not: Callable[[Machine], str | None] = running.why_not
) -> None:
    """Start the tree in use; keep it if it watches, otherwise go back to the previous one.

    Raises:
        FlashError: it does not watch.
    """
    tree, previous = trees.in_use(machine), trees.previous(machine)
    assert tree is not None
    why = _started(machine, tree, why_not)
    if why is None:
        machine.at(TRYING).unlink(missing_ok=True)
        trees.remove_others(machine)
        say(f"{tree.name} runs")
        return
    if previous is None:
        machine.at(TRYING).unlink(missing_ok=True)
        raise FlashError(f"{tree.name} does not run: {why}; there is no previous version")
    say(f"{tree.name} does not run: {why}")
    trees.go_back(machine)
    machine.at(TRYING).unlink(missing_ok=True)
    again = _started(machine, previous, why_not)
    state = "runs again" if again is None else f"is used again, but does not run either: {again}"
    raise FlashError(f"{tree.name} does not run: {why}; {previous.name} {state}")


def _started(machine: Machine, tree: Path, why_not: Callable[[Machine], str | None]) -> str | None:
    try:
        service_files.install(machine, new_tree.package_of(tree))
    except (FlashError, OSError) as error:
        return str(error)
    machine.run("systemctl", "reset-failed", SERVICE)
    machine.run("systemctl", "restart", "--no-block", SERVICE)
    return why_not(machine)


def settle(
    machine: Machine, say: Callable[[str], None], why_not: Callable[[Machine], str | None] = running.why_not
) -> None:
    """Finish an update that a power cut interrupted, if there is one.

    Raises:
        FlashError: see judge().
    """
    if not machine.at(TRYING).exists():
        return
    tried = machine.at(TRYING).read_text().strip()
    if (now := trees.in_use(machine)) is None or now.name != tried:
        machine.at(TRYING).unlink()  # the power cut came before the switch, or after going back
        return
    judge(machine, say, why_not)


def main() -> int:
    """Run at the start of the unit, after a power cut during an update."""
    try:
        settle(Machine.from_environment(), print)
    except FlashError as error:
        print(f"maskwatch: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
