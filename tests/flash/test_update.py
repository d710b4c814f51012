"""install, update and uninstall on a folder in the root's place: what is kept, what goes back, what is left."""

from __future__ import annotations

import os
import re
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from stand_in import bundle_of, small_tree

from maskwatch.errors import FlashError
from maskwatch.flash.system import TRIXIE
from maskwatch.install import install, new_tree, places, running, trees, uninstall, update
from maskwatch.install.machine import DryRunMachine, Machine, Result


@pytest.fixture
def unit(tmp_path: Path) -> DryRunMachine:
    """A unit that runs version `old`."""
    root = tmp_path / "root"
    for folder in ("etc", "boot/firmware", "opt/maskwatch/trees"):
        (root / folder).mkdir(parents=True)
    (root / "boot/firmware/cmdline.txt").write_text("console=tty1 rootwait rw\n")
    (root / "boot/firmware/user-data").write_text(
        "#cloud-config\nhostname: a\nbootcmd:\n- - sh\n  - maskwatch/first-boot.sh\nx: 1\n"
    )
    made = DryRunMachine(root)
    small_tree(TRIXIE, root / "opt/maskwatch/trees/old", root, None, print)
    metadata(root / "opt/maskwatch/trees/old", "0.1")
    trees.use(made, root / "opt/maskwatch/trees/old")
    return made


def metadata(tree: Path, version: str) -> None:
    folder = new_tree.package_of(tree).parent / f"maskwatch-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Name: maskwatch\nVersion: {version}\nRequires-Dist: click>=8.1\n\ntext\n")


def a_wheel(unit: Machine, needs: str = "click>=8.1", version: str = "0.2") -> str:
    path = unit.root.parent / f"maskwatch-{version}-py3-none-any.whl"
    package = new_tree.package_of(unit.at("/opt/maskwatch/trees/old"))
    with zipfile.ZipFile(path, "w") as wheel:
        for file in package.rglob("*"):
            if file.is_file():
                wheel.write(file, file.relative_to(package.parent))
        wheel.writestr("maskwatch/new.py", "NEW = True\n")
        facts = f"Version: {version}\nRequires-Dist: {needs}\nRequires-Dist: rich; extra == 'flash'\n\ntext\n"
        wheel.writestr(f"maskwatch-{version}.dist-info/METADATA", facts)
    return str(path)


def comes_up(_: Machine) -> str | None:
    return None


def used(unit: Machine) -> tuple[str, str | None]:
    now, before = trees.in_use(unit), trees.previous(unit)
    assert now is not None
    return short(now.name), short(before.name) if before else None


def short(name: str) -> str:
    """A tree's name without the mark of its wheel."""
    return re.sub(r"-wheel-\w+", "-wheel", name)


# -- update ---------------------------------------------------------------------------------------------------------


def test_a_wheel_exchanges_our_package_and_keeps_the_former_tree(unit: DryRunMachine) -> None:
    update.update(unit, a_wheel(unit), print, comes_up)
    assert used(unit) == ("0.2-wheel", "old")
    site = new_tree.package_of(unit.at("/opt/maskwatch/venv"))
    assert (site / "new.py").exists()
    assert list(site.glob("__pycache__/new.*.pyc")), "without .pyc files each start compiles, for a unit writes none"
    assert not (new_tree.package_of(unit.at("/opt/maskwatch/former")) / "new.py").exists()
    assert not unit.at(places.TRYING).exists()
    assert "systemctl restart --no-block maskwatch.service" in (unit.root / "commands.log").read_text()


def test_a_bundle_becomes_a_tree_of_its_own(unit: DryRunMachine, tmp_path: Path) -> None:
    made = bundle_of(tmp_path / "made", TRIXIE) if (tmp_path / "made").mkdir() is None else None
    assert made is not None
    (tmp_path / "manifest.json").write_text(__import__("json").dumps(made.manifest))
    with tarfile.open(tmp_path / "unit.bundle", "w") as outer:
        outer.add(tmp_path / "manifest.json", "manifest.json")
        outer.add(made.archive, "bundle.tar.gz")
    update.update(unit, str(tmp_path / "unit.bundle"), print, comes_up)
    assert used(unit) == (made.manifest["id"], "old")


def test_one_that_does_not_come_up_is_gone_and_the_former_watches_again(unit: DryRunMachine) -> None:
    answers = iter(["it ended: boom", None])
    with pytest.raises(FlashError, match=r"0.2-wheel-\w+ does not run: it ended: boom; old runs again"):
        update.update(unit, a_wheel(unit), print, lambda _: next(answers))
    assert used(unit)[0] == "old"
    assert [path.name for path in unit.at(places.TREES).iterdir()] == ["old"]
    assert not unit.at(places.TRYING).exists()


def test_the_tree_before_the_former_one_is_removed(unit: DryRunMachine) -> None:
    for version in ("0.2", "0.3"):
        update.update(unit, a_wheel(unit, version=version), print, comes_up)
    assert used(unit) == ("0.3-wheel", "0.2-wheel")
    assert sorted(short(path.name) for path in unit.at(places.TREES).iterdir()) == ["0.2-wheel", "0.3-wheel"]


class Cut(BaseException):
    """The power is gone."""


@pytest.mark.parametrize("verdict", [None, "it ended"])
def test_a_power_cut_while_it_is_tried_is_judged_at_the_next_start(
    unit: DryRunMachine, verdict: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(_: Machine) -> str | None:
        raise Cut

    with pytest.raises(Cut):
        update.update(unit, a_wheel(unit), print, cut)
    assert used(unit) == ("0.2-wheel", "old")
    monkeypatch.setenv("MASKWATCH_ROOT", str(unit.root))
    answers = iter([verdict, None])
    monkeypatch.setattr(update.settle, "__defaults__", (lambda _: next(answers),))
    assert update.main() == (0 if verdict is None else 1)
    assert used(unit)[0] == ("0.2-wheel" if verdict is None else "old")
    assert update.main() == 0


def test_a_power_cut_at_any_rename_leaves_one_tree_or_the_other(
    unit: DryRunMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, wheel, left = os.replace, a_wheel(unit), [0]

    def counted(*words: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Cut
        real(*words)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "replace", counted)
    for at in range(1, 30):
        left[0] = at
        try:
            update.update(unit, wheel, print, comes_up)
            break
        except Cut:
            assert used(unit)[0] in ("old", "0.2-wheel")
            assert (unit.at(places.VENV) / "bin" / "maskwatch").is_file()
    assert at > 4, "the power was hardly cut"
    assert used(unit) == ("0.2-wheel", "old")


def test_an_update_on_top_of_one_that_was_cut_short_judges_that_one_first(unit: DryRunMachine) -> None:
    def cut(_: Machine) -> str | None:
        raise Cut

    with pytest.raises(Cut):
        update.update(unit, a_wheel(unit), print, cut)
    answers = iter(["it ended", None, None])
    update.update(unit, a_wheel(unit, version="0.3"), print, lambda _: next(answers))
    assert used(unit) == ("0.3-wheel", "old")


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda unit: a_wheel(unit, needs="click>=9"), "needs other packages than this unit has"),
        (lambda unit: str(_text(unit, "a.whl", b"no zip")), "not a readable wheel of maskwatch"),
        (lambda unit: str(_text(unit, "a.bundle", b"no tar")), "not a readable bundle; expected a file"),
        (lambda _: "somebody-elses-package", "not a file, and not a package name"),
        (lambda _: "maskwatch==1; rm -rf /", "not a file, and not a package name"),
    ],
)  # fmt: skip
def test_what_cannot_be_an_update_changes_nothing(
    unit: DryRunMachine, make: Callable[[Machine], str], expected: str
) -> None:
    with pytest.raises(FlashError, match=expected):
        update.update(unit, make(unit), print, comes_up)
    assert used(unit) == ("old", None)


def _text(unit: Machine, name: str, content: bytes) -> Path:
    path = unit.root.parent / name
    path.write_bytes(content)
    return path


def test_a_unit_whose_card_is_only_read_says_how_to_update_it(unit: DryRunMachine) -> None:
    unit.write("/boot/firmware/cmdline.txt", "ro maskwatch.volatile=1\n")
    with pytest.raises(FlashError, match="maskwatch volatile off"):
        update.update(unit, a_wheel(unit), print, comes_up)


# -- whether it comes up --------------------------------------------------------------------------------------------


class Service(DryRunMachine):
    """systemd's answers, one a second; the last one goes on."""

    def __init__(self, root: Path, states: list[tuple[str, int, int]]) -> None:
        super().__init__(root)
        self.states, self.time = states, 0.0

    def run(self, *words: str, feed: str = "", limit: float = 1.0) -> Result:
        super().run(*words, feed=feed, limit=limit)
        if words[0] == "journalctl":
            return Result(0, "one\ncamera: none\n")
        state, restarts, process = self.states[min(int(self.time), len(self.states) - 1)]
        facts = {"ActiveState": state, "NRestarts": restarts, "MainPID": process, "InvocationID": f"start-{restarts}"}
        return Result(0, "".join(f"{name}={value}\n" for name, value in facts.items()) + "Result=exit-code\n")

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([("activating", 0, 5)] * 90 + [("active", 0, 5)], None),
        ([("activating", 0, 5)] * 5 + [("active", 0, 5)] * 5 + [("activating", 1, 0)], "exit-code: camera: none"),
        ([("activating", 0, 5), ("failed", 0, 0)], "exit-code: camera: none"),
        ([("activating", 0, 5)], "not running after 240 s: camera: none"),
        ([("active", 0, 5)] * 10 + [("active", 0, 6)] * 5 + [("failed", 0, 0)], "exit-code: camera: none"),
    ],
    ids=["slow", "ends after a while", "fails", "never", "another process"],
)
def test_it_has_come_up_when_it_has_watched_for_a_while(
    tmp_path: Path, states: list[tuple[str, int, int]], expected: str | None
) -> None:
    service = Service(tmp_path, states)
    assert running.why_not(service, service.sleep, lambda: service.time) == expected


def test_the_reason_is_the_services_own_last_line_and_never_success(tmp_path: Path) -> None:
    class Restarted(Service):
        """Systemd has restarted it: its result is "success" again, and the new start has written lines."""

        def run(self, *words: str, feed: str = "", limit: float = 1.0) -> Result:
            ran = super().run(*words, feed=feed, limit=limit)
            if words[0] == "journalctl":
                lines = {"start-0": "RuntimeError: broken\n", "start-1": "ok   config: /etc/maskwatch/config.toml\n"}
                (start,) = (word.removeprefix("_SYSTEMD_INVOCATION_ID=") for word in words if "INVOCATION" in word)
                return Result(0, lines[start])
            return Result(0, ran.output.replace("Result=exit-code", "Result=success"))

    service = Restarted(tmp_path, [("activating", 0, 5)] * 3 + [("activating", 1, 6)])
    assert running.why_not(service, service.sleep, lambda: service.time) == "it stopped: RuntimeError: broken"


# -- install, uninstall ---------------------------------------------------------------------------------------------


def test_an_environment_elsewhere_is_copied_for_the_service_hides_home(
    unit: DryRunMachine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(unit.at(places.HOME))
    import sys

    site = tmp_path / "venv" / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    (site / "maskwatch").mkdir(parents=True)
    (site / "maskwatch" / "a.py").touch()
    (tmp_path / "maskwatch-0.1.0.dist-info").mkdir()
    monkeypatch.setattr(install.shipped, "PACKAGE", tmp_path / "maskwatch")
    (tmp_path / "maskwatch").mkdir()
    (tmp_path / "maskwatch" / "config.toml").write_text("[log]\n")
    monkeypatch.setattr(running.why_not, "__defaults__", (None, None, 0))
    monkeypatch.setattr(install.running, "why_not", comes_up)
    said: list[str] = []
    install.install(unit, None, said.append, tmp_path / "venv")
    assert used(unit) == ("0.1.0-installed", None)
    assert (unit.at(places.VENV) / "bin" / "maskwatch").stat().st_mode & 0o111
    assert unit.at(places.CONFIG).read_text() == "[log]\n"
    assert said[-1] == "maskwatch is running"
    unit.write(places.CONFIG, "[log]\nlevel = 'debug'\n")
    install.install(unit, None, said.append, tmp_path / "venv")
    assert "debug" in unit.at(places.CONFIG).read_text(), "a config that is there stays"


def test_from_a_checkout_it_says_how(unit: DryRunMachine, tmp_path: Path) -> None:
    with pytest.raises(FlashError, match="this runs from a checkout"):
        install.install(unit, None, print, tmp_path)


def test_uninstall_leaves_nothing(unit: DryRunMachine) -> None:
    before = {path for path in unit.root.rglob("*") if "maskwatch" not in path.as_posix().removeprefix(str(unit.root))}
    install.service_files.install(unit)
    unit.write(places.CONFIG, "")
    unit.write("/boot/firmware/maskwatch/bundle.tar.gz", "")
    unit.write("/boot/firmware/maskwatch-report.txt", "ready\n")
    unit.write(f"{places.STATE}/done", "")
    uninstall.uninstall(unit, False, print)
    left = {p for p in unit.root.rglob("*") if "maskwatch" in p.as_posix().removeprefix(str(unit.root))}
    assert not left
    assert before - set(unit.root.rglob("*")) == set()
    assert (unit.root / "boot/firmware/user-data").read_text() == "#cloud-config\nhostname: a\nx: 1\n"


def test_uninstall_may_keep_the_config(unit: DryRunMachine) -> None:
    unit.write(places.CONFIG, "mine")
    uninstall.uninstall(unit, True, print)
    assert unit.at(places.CONFIG).read_text() == "mine"


def test_nobody_but_root_changes_the_system(unit: DryRunMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DryRunMachine, "is_root", lambda _: False)
    for change in (
        lambda: update.update(unit, "x", print),
        lambda: uninstall.uninstall(unit, False, print),
        lambda: install.install(unit, None, print),
    ):
        with pytest.raises(FlashError, match="sudo"):
            change()
