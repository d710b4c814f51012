"""`maskwatch install`: makes a running Pi a unit, from the package that runs this command."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from maskwatch import __version__
from maskwatch.errors import FlashError
from maskwatch.install import running, service_files, shipped, trees
from maskwatch.install.machine import Machine
from maskwatch.install.places import CONFIG, HOME, PROGRAM, SERVICE, TREES, VENV

SCRIPT = f"#!{VENV}/bin/python3\nfrom maskwatch.cli import main\n\nmain()\n"
NOT_ROOT = "this command changes the system: run it with sudo and the full path of the program"


def install(machine: Machine, config: Path | None, say: Callable[[str], None], prefix: Path | None = None) -> None:
    """Install tree, config and service, start the service, and wait until it watches.

    Args:
        machine: to set up.
        config: a config file; None: keep the existing one, or use the package's default.
        say: called with a line about each step.
        prefix: of the environment to install; None: the one that runs this.

    Raises:
        FlashError: we are not root, or the service does not start.
    """
    require_root(machine)
    say(f"tree: {_tree(machine, prefix or Path(sys.prefix))}")
    say(f"config: {_config(machine, config)}")
    say(f"service: {service_files.install(machine)}")
    check = machine.run(PROGRAM, "check", "--config", CONFIG)
    for line in check.output.splitlines():
        say(f"  {line}")
    machine.run("systemctl", "restart", "--no-block", SERVICE)
    if (why := running.why_not(machine)) is not None:
        raise FlashError(
            f"installed, but the service does not run: {why}; correct that, then: sudo systemctl restart maskwatch"
        )
    say("maskwatch is running")


def require_root(machine: Machine) -> None:
    """Check that we may change the system.

    Raises:
        FlashError: we are not root.
    """
    if not machine.is_root():
        raise FlashError(NOT_ROOT)


def copied(machine: Machine, prefix: Path, name: str) -> Path:
    """Make a tree with the packages of an environment, as a whole or not at all.

    Args:
        machine: to set up.
        prefix: the environment's folder, see sys.prefix.
        name: of the tree.
    """
    python = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    tree, temporary = machine.at(f"{TREES}/{name}"), machine.at(f"{TREES}/.unpacking-{name}")
    shutil.rmtree(temporary, ignore_errors=True)
    site = temporary / "lib" / python / "site-packages"
    shutil.copytree(prefix / "lib" / python / "site-packages", site, symlinks=True)
    dress(temporary)
    shutil.rmtree(tree, ignore_errors=True)
    temporary.rename(tree)
    return tree


def dress(tree: Path) -> None:
    """Add what makes a folder of packages a tree: the program, a link to the system's Python, and pyvenv.cfg."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    (tree / "bin").mkdir(exist_ok=True)
    (tree / "bin" / "maskwatch").write_text(SCRIPT)
    (tree / "bin" / "maskwatch").chmod(0o755)
    python = tree / "bin" / "python3"
    python.unlink(missing_ok=True)
    python.symlink_to("/usr/bin/python3")
    (tree / "pyvenv.cfg").write_text(f"home = /usr/bin\ninclude-system-site-packages = true\nversion = {version}\n")


def _tree(machine: Machine, prefix: Path) -> str:
    """Use the environment, or copy it if it is outside /opt/maskwatch, because the service cannot see /home."""
    if prefix.resolve().is_relative_to(machine.at(HOME)):
        return f"{prefix}, used in place"
    if not (shipped.PACKAGE.parent / f"maskwatch-{__version__}.dist-info").exists():
        raise FlashError(
            "this runs from a checkout of the source; install the package instead: sudo python3 -m venv "
            f"--system-site-packages {VENV}, sudo {VENV}/bin/pip install 'maskwatch[pi]', sudo {PROGRAM} install"
        )
    tree = copied(machine, prefix, f"{__version__}-installed")
    trees.use(machine, tree)
    return f"{prefix} copied to {tree}"


def _config(machine: Machine, config: Path | None) -> str:
    if config is None and machine.at(CONFIG).exists():
        return f"{CONFIG} exists and is kept"
    source = config or shipped.PACKAGE / "config.toml"
    try:
        machine.write(CONFIG, source.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise FlashError(f"{source}: cannot be read ({error})") from None
    return f"{CONFIG}, copied from {source}"
