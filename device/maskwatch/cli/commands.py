"""The commands, one function for each. Large libraries are imported by the command that needs them."""

from __future__ import annotations

import logging
import math
import sys
from pathlib import Path
from typing import Any

import click

from maskwatch import __version__
from maskwatch.daemon import systemd
from maskwatch.errors import SourceError
from maskwatch.system import libraries

CONFIG = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    help="TOML file; without one, the default in the package.",
)


class Number(click.FloatRange):
    """A float in a range. `nan` is refused: it passes range checks, because all comparisons with it are false."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


SOURCE_HELP = (
    "Replaces the config's source: picamera:N, v4l2:DEVICE, rtsp://…, http://…, video:FILE, images:DIR or demo."
)


NO_OUTPUTS_HELP = "Run without any output in the config: alerts are only lines on stdout."


@click.group()
@click.version_option(__version__, prog_name="maskwatch")
def cli() -> None:
    """Sees whether people at a door wear a face mask, and beeps or lights up when somebody does not."""
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(systemd.log_format())
    logging.basicConfig(handlers=[lines], level=logging.WARNING)


@cli.command()
@CONFIG
@click.option("--source", help=SOURCE_HELP)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@click.option("--show-pins", is_flag=True, help="Also print a line whenever a pin changes, read back from the pin.")
@click.option("--duration", type=Number(min=0), default=math.inf, help="Stop after so many seconds.")
@click.option("--profile", is_flag=True, help="Print at the end, on stderr, how long each stage of a frame took.")
@click.option("--no-outputs", is_flag=True, help=NO_OUTPUTS_HELP)
def run(**call: Any) -> None:
    """The daemon: watch, and switch buzzer and LED. SIGTERM or Ctrl-C ends it with everything off.

    SIGHUP reads the config again. In a terminal it ends the daemon, because the terminal was closed.
    """
    from maskwatch.daemon import signals
    from maskwatch.system import process_end

    requests = signals.stand()
    process_end.at_once()
    libraries.load(libraries.CV2)  # first, so that a failure to load it is a one-line error
    from maskwatch.daemon import unit

    if not unit.run(unit.Call(**call), requests) and requests.by_hand:
        raise click.Abort


@cli.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@CONFIG
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@click.option("--min-score", type=Number(0, 1), help="The finder's threshold, in place of the config's.")
@click.option("--zone", "in_zone", is_flag=True, help="Only look at the config's [zone], like the unit.")
def detect(
    paths: tuple[Path, ...], config_path: Path | None, as_json: bool, min_score: float | None, in_zone: bool
) -> None:
    """Run the models once on images, or folders of them, and print one line per image.

    All faces above the score threshold are printed, also those smaller than the config's min_size and, without --zone,
    those outside its [zone]. An image that cannot be read is named on stderr; the others follow, and the exit code is
    3.
    """
    libraries.load(libraries.CV2)
    from maskwatch import config
    from maskwatch.camera.files import folder
    from maskwatch.cli import still_pictures
    from maskwatch.cli.progress import Progress
    from maskwatch.daemon import parts
    from maskwatch.daemon.looking import Looking
    from maskwatch.presence.zone import Zone

    settings = config.load(config_path)
    face = settings.face
    if min_score is not None:
        face = face.model_copy(update={"min_score": min_score})
    zone = Zone(polygon=settings.zone.polygon) if in_zone else None
    finder, classifier = Looking(parts.build_finder(face), zone or Zone()), parts.build_classifier(settings.mask)
    found, unreadable = folder.find(paths), 0
    progress = Progress(len(found.pictures), sys.stderr)
    for still in still_pictures.inspect(found, finder, classifier, zone):
        progress.clear()
        if isinstance(still, SourceError):
            unreadable += 1
            click.echo(f"maskwatch: {still}", err=True)
        else:
            click.echo(still_pictures.json_line(still) if as_json else still_pictures.text_line(still))
        progress.step()
    progress.clear()
    if found.skipped:
        click.echo(f"maskwatch: {found.skipped_text()}", err=True)
    if unreadable:
        sys.exit(SourceError.exit_code)


@cli.command()
@CONFIG
@click.option("--source", help=SOURCE_HELP)
@click.option("--no-outputs", is_flag=True, help=NO_OUTPUTS_HELP)
def check(config_path: Path | None, source: str | None, no_outputs: bool) -> None:
    """Try config, models, camera and pins, a line each; the exit code is that of the first failure."""
    from maskwatch.cli import check

    for part in ("live", "failure"):  # the line about the camera says the same
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
@click.option("--door", is_flag=True, help="Also play the relay for masked people: the door will open.")
def test_alert(config_path: Path | None, door: bool) -> None:
    """Play each output in turn and say what should be heard and seen; then all is off. Stop the daemon first."""
    import signal
    import time

    from maskwatch import config
    from maskwatch.cli import output_trial

    def leave(number: int, _: object) -> None:
        for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(each, signal.SIG_IGN)  # a second signal must not interrupt switching off
        sys.exit(128 + number)

    for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):  # raise SystemExit, so that all is switched off
        signal.signal(each, leave)
    played = output_trial.play_each(config.load(config_path).outputs, click.echo, time.sleep, door)
    click.echo("all off" if played else "no output in the config: nothing to play")


@cli.command("pins-off")
@CONFIG
def pins_off(config_path: Path | None) -> None:
    """Drive every output pin to its inactive level and release it, for systemd's ExecStopPost.

    The pins are those that the running daemon wrote down; without its file, those of the config.
    A pin that cannot be claimed is a line on stderr, and the exit code is still 0.
    """
    from maskwatch.cli import output_trial
    from maskwatch.pins import driven_pins, plan

    pins = driven_pins.read()
    if pins is None:
        from maskwatch import config

        pins = plan.plans(config.load(config_path).outputs)
    for line in output_trial.switch_off(pins):
        click.echo(f"maskwatch: {line}", err=True)


@cli.command("config")
@CONFIG
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
def show_config(config_path: Path | None, as_json: bool) -> None:
    """Print every effective setting and its origin: file and line, environment (MASKWATCH__ALERT__HOLD), or default."""
    from maskwatch.config import effective

    for entry in effective.entries(config_path):
        click.echo(effective.json_line(entry) if as_json else effective.text_line(entry))
