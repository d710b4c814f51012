"""The commands, a function each. What is heavy is imported by the command that needs it."""

from __future__ import annotations

import logging
import math
import sys
from pathlib import Path
from typing import Any

import click

from maskwatch import __version__, loading, service
from maskwatch.errors import SourceError

CONFIG = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    help="TOML file; without one, the default in the package.",
)


class Number(click.FloatRange):
    """A float in a range. `nan` is below no bound and above none, and would silence whatever compares with it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is no number.", param, ctx)
        return number


SOURCE_HELP = "Instead of the config's: picamera:N, v4l2:DEVICE, rtsp://…, http://…, video:FILE, images:DIR or demo."


NO_OUTPUTS_HELP = "Do without any output in the config: alerts are lines on stdout and no more."


@click.group()
@click.version_option(__version__, prog_name="maskwatch")
def cli() -> None:
    """Sees whether people at a door wear a face mask, and beeps or lights up when somebody does not."""
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(service.log_format())
    logging.basicConfig(handlers=[lines], level=logging.WARNING)


@cli.command()
@CONFIG
@click.option("--source", help=SOURCE_HELP)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--show-pins", is_flag=True, help="Also a line whenever a pin changes, read back from the pin.")
@click.option("--duration", type=Number(min=0), default=math.inf, help="Stop after so many seconds.")
@click.option("--profile", is_flag=True, help="At the end, where the time of a frame went (on stderr).")
@click.option("--no-outputs", is_flag=True, help=NO_OUTPUTS_HELP)
def run(**call: Any) -> None:
    """The daemon: watch, and switch buzzer and LED. SIGTERM or Ctrl-C ends it with everything off.

    SIGHUP reads the config again; in a terminal, whose end it means, it ends the daemon.
    """
    from maskwatch import ending, signals

    asked = signals.stand()
    ending.at_once()
    loading.load(loading.CV2)  # before what imports it: if it cannot be loaded, that is one line
    from maskwatch import unit

    if not unit.run(unit.Call(**call), asked) and asked.by_hand:
        raise click.Abort


@cli.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@CONFIG
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--min-score", type=Number(0, 1), help="The finder's threshold, in place of the config's.")
def detect(paths: tuple[Path, ...], config_path: Path | None, as_json: bool, min_score: float | None) -> None:
    """Look once at images, or at folders of them, and print one line per image.

    Every face above the score threshold is printed, also those below the config's min_size.
    An image that cannot be read is named on stderr; the others follow, and the exit code is 3.
    """
    loading.load(loading.CV2)
    from maskwatch import config, parts, stills
    from maskwatch.camera import folder
    from maskwatch.cli.progress import Progress

    settings = config.load(config_path)
    face = settings.face
    if min_score is not None:
        face = face.model_copy(update={"min_score": min_score})
    detector, classifier = parts.build_detector(face), parts.build_classifier(settings.mask)
    found, unreadable = folder.find(paths), 0
    progress = Progress(len(found.pictures), sys.stderr)
    for still in stills.inspect(found, detector, classifier):
        progress.clear()
        if isinstance(still, SourceError):
            unreadable += 1
            click.echo(f"maskwatch: {still}", err=True)
        else:
            click.echo(stills.json_line(still) if as_json else stills.text_line(still))
        progress.step()
    progress.clear()
    if found.passed_over:
        click.echo(f"maskwatch: {found.told()}", err=True)
    if unreadable:
        sys.exit(SourceError.exit_code)


@cli.command()
@CONFIG
@click.option("--source", help=SOURCE_HELP)
@click.option("--no-outputs", is_flag=True, help=NO_OUTPUTS_HELP)
def check(config_path: Path | None, source: str | None, no_outputs: bool) -> None:
    """Try config, models, camera and pins, a line each; the exit code is that of the first failure."""
    from maskwatch import check

    for part in ("live", "patience"):  # the line on the camera says it already
        logging.getLogger(f"maskwatch.camera.{part}").setLevel(logging.ERROR)
    failures = []
    for finding in check.findings(config_path, source, no_outputs):
        click.echo(finding)
        if finding.exit_code:
            failures.append(finding.exit_code)
    if failures:
        sys.exit(failures[0])


@cli.command("test-alert")
@CONFIG
@click.option("--door", is_flag=True, help="Also the relay for the masked: what it opens will open.")
def test_alert(config_path: Path | None, door: bool) -> None:
    """Play each output in turn and say what should be heard and seen; then all is off. Stop the daemon first."""
    import signal
    import time

    from maskwatch import config
    from maskwatch.outputs import trial

    def leave(number: int, _: object) -> None:
        for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(each, signal.SIG_IGN)  # a second one must not end the switching off
        sys.exit(128 + number)

    for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):  # past the end that switches all off
        signal.signal(each, leave)
    played = trial.play_each(config.load(config_path).outputs, click.echo, time.sleep, door)
    click.echo("all off" if played else "no output in the config: nothing to play")


@cli.command("pins-off")
@CONFIG
def pins_off(config_path: Path | None) -> None:
    """Drive every output pin to its inactive level and let it go, for systemd's ExecStopPost.

    The pins are those that the daemon noted when it took them; without such a note, those of the config.
    A pin that cannot be had is a line on stderr; the exit code is 0 all the same.
    """
    from maskwatch.outputs import noted, plan, trial

    pins = noted.read()
    if pins is None:
        from maskwatch import config

        pins = plan.plans(config.load(config_path).outputs)
    for line in trial.switch_off(pins):
        click.echo(f"maskwatch: {line}", err=True)


@cli.command("config")
@CONFIG
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def show_config(config_path: Path | None, as_json: bool) -> None:
    """Every effective setting and where it came from: file and line, environment (MASKWATCH__ALERT__HOLD), default."""
    from maskwatch import effective

    for entry in effective.entries(config_path):
        click.echo(effective.json_line(entry) if as_json else effective.text_line(entry))
