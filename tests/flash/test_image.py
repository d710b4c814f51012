"""`maskwatch flash -o`: an image in, a unit's image out; read back by an independent reader where one is installed."""

from __future__ import annotations

import hashlib
import json
import lzma
import os
import pwd
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from passlib.hash import sha512_crypt
from stand_in import BOOKWORM_FILES, KEY, SECRETS, START, TRIXIE_FILES, UNIT, image, job_of, root, second_partition

from maskwatch.errors import ConfigError, FlashError
from maskwatch.flash import boot_partition, tree, unit_file, wheels, wifi, workstation
from maskwatch.flash.system import BOOKWORM, TRIXIE
from maskwatch.flash.unit_file import Unit

MCOPY = shutil.which("mcopy")


def a_unit(folder: Path, text: str = UNIT) -> Unit:
    path = folder / "door.toml"
    path.write_text(text)
    return unit_file.read(path)


def made(folder: Path, base: Path, unit: Unit | None = None, **more: str) -> Path:
    with job_of(base, **more) as work:
        work.write(unit or a_unit(folder), folder / "unit.img")
    return folder / "unit.img"


def content(path: Path) -> dict[str, bytes]:
    """Of the boot partition: what first boot and cloud-init find."""
    with boot_partition.opened(path) as boot:
        inner = [
            f"maskwatch/{name}" for name in ("SHA256SUMS", "unit.json", "manifest.json", "config.toml", "bundle.tar.gz")
        ]
        return {name: boot.read(name) for name in [*(n for n in boot.names() if n != "maskwatch"), *inner]}


# -- what is in the image -------------------------------------------------------------------------------------------


def test_a_trixie_image_gets_cloud_inits_three_files(tmp_path: Path) -> None:
    found = content(made(tmp_path, image(tmp_path / "base.img")))
    assert found["user-data"].startswith(b"#cloud-config\n")
    user_data = yaml.safe_load(found["user-data"])
    assert (user_data["hostname"], user_data["timezone"]) == ("door-1", "Europe/Berlin")
    (user,) = user_data["users"]
    assert user["ssh_authorized_keys"] == [KEY]
    assert sha512_crypt.verify("correct horse", user["passwd"])
    assert user_data["bootcmd"] == [["sh", "/boot/firmware/maskwatch/first-boot.sh", "arm", "start"]]
    assert yaml.safe_load(found["meta-data"])["instance-id"].startswith("maskwatch-door-1-")
    (point,) = yaml.safe_load(found["network-config"])["network"]["wifis"]["wlan0"]["access-points"].items()
    assert point == ("Café door", {"password": wifi.psk("Café door", "battery staple")})
    assert found["cmdline.txt"].split() == [*TRIXIE_FILES["cmdline.txt"].split(), b"cfg80211.ieee80211_regdom=DE"]


def test_a_bookworm_image_gets_a_script_and_the_words_that_run_it(tmp_path: Path) -> None:
    found = content(made(tmp_path, image(tmp_path / "base.img", BOOKWORM_FILES)))
    assert "user-data" not in found
    assert b"first-boot.sh" in found["firstrun.sh"]
    words = found["cmdline.txt"].decode().split()
    assert "systemd.run=/boot/firmware/firstrun.sh" in words
    assert found["cmdline.txt"].count(b"\n") == 1
    assert json.loads(found["maskwatch/manifest.json"])["python"] == list(BOOKWORM.python)


def test_the_hashes_hold_for_what_is_there(tmp_path: Path) -> None:
    found = content(made(tmp_path, image(tmp_path / "base.img")))
    sums = dict(reversed(line.split("  ")) for line in found["maskwatch/SHA256SUMS"].decode().splitlines())
    assert len(sums) == 7
    for name in ("unit.json", "manifest.json", "config.toml", "bundle.tar.gz"):
        assert sums[name] == hashlib.sha256(found[f"maskwatch/{name}"]).hexdigest()


def test_the_rest_of_the_image_is_as_it_was(tmp_path: Path) -> None:
    base = image(tmp_path / "base.img")
    out = made(tmp_path, base)
    assert second_partition(out) == root()
    assert out.read_bytes()[:START] == base.read_bytes()[:START]
    found = content(out)
    assert found["config.txt"] == TRIXIE_FILES["config.txt"]


def test_the_unit_keeps_its_own_config_and_says_what_it_needs_of_the_pis_archive(tmp_path: Path) -> None:
    found = content(made(tmp_path, image(tmp_path / "base.img")))
    assert json.loads(found["maskwatch/unit.json"])["modules"] == ["picamera2", "lgpio"]
    assert b'source = "picamera:0"' in found["maskwatch/config.toml"]


@pytest.mark.skipif(MCOPY is None, reason="mtools, an independent reader of FAT, is not on this machine")
def test_another_reader_reads_the_same(tmp_path: Path) -> None:
    out = made(tmp_path, image(tmp_path / "base.img"))
    (tmp_path / "read").mkdir()
    subprocess.run([str(MCOPY), "-s", "-i", f"{out}@@{START}", "::/", str(tmp_path / "read")], check=True, timeout=60)
    ours = content(out)
    theirs = {p.relative_to(tmp_path / "read").as_posix(): p.read_bytes() for p in (tmp_path / "read").rglob("*.*")}
    for name, text in ours.items():
        if "." in name:
            assert theirs[name] == text


# -- secrets --------------------------------------------------------------------------------------------------------


def test_no_password_is_in_the_image_or_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = made(tmp_path, image(tmp_path / "base.img"))
    told = capfd.readouterr()
    for secret in SECRETS:
        assert secret.encode() not in out.read_bytes()
        assert secret not in told.out + told.err


@pytest.mark.parametrize("umask", [0o022, 0o000])
def test_its_owner_alone_can_read_it(tmp_path: Path, umask: int) -> None:
    import os

    before = os.umask(umask)
    try:
        out = made(tmp_path, image(tmp_path / "base.img"))
    finally:
        os.umask(before)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_the_key_is_that_of_the_standard() -> None:
    """The example of IEEE 802.11, annex J.4."""
    assert wifi.psk("IEEE", "password") == "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e"


# -- the base -------------------------------------------------------------------------------------------------------


def test_a_compressed_base_gives_the_same_image(tmp_path: Path) -> None:
    base = image(tmp_path / "base.img")
    packed = tmp_path / "base.img.xz"
    packed.write_bytes(lzma.compress(base.read_bytes(), preset=0))
    out = made(tmp_path, packed)
    assert second_partition(out) == root()
    assert content(out)["config.txt"] == TRIXIE_FILES["config.txt"]


@pytest.mark.parametrize("of", ["the file", "the image in it"])
def test_both_published_hashes_are_taken(tmp_path: Path, of: str) -> None:
    base = image(tmp_path / "base.img")
    packed = tmp_path / "base.img.xz"
    packed.write_bytes(lzma.compress(base.read_bytes(), preset=0))
    hashed = (packed if of == "the file" else base).read_bytes()
    out = made(tmp_path, packed, sha256=hashlib.sha256(hashed).hexdigest().upper())
    assert second_partition(out) == root()


def refused(tmp_path: Path, base: Path, **more: str) -> str:
    with pytest.raises(FlashError) as error:
        made(tmp_path, base, a_unit(tmp_path), **more)
    assert not (tmp_path / "unit.img").exists()
    assert not list(tmp_path.glob(".unit*")), "something half made was left"
    return str(error.value)


def test_another_hash_is_refused(tmp_path: Path) -> None:
    assert "expected 0000" in refused(tmp_path, image(tmp_path / "base.img"), sha256="0" * 64)
    assert "found 'abc', expected 64 hexadecimal digits" in refused(tmp_path, tmp_path / "base.img", sha256="abc")


def test_a_damaged_download_is_refused(tmp_path: Path) -> None:
    base = image(tmp_path / "base.img")
    packed = tmp_path / "base.img.xz"
    whole = lzma.compress(base.read_bytes(), preset=0)
    packed.write_bytes(whole[: len(whole) // 2])
    assert "damaged" in refused(tmp_path, packed)
    packed.write_bytes(whole[:1000] + bytes(50) + whole[1050:])
    assert "damaged" in refused(tmp_path, packed)


def test_what_is_no_image_of_raspberry_pi_os_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "base.img"
    path.write_bytes(b"hello")
    assert "no partition table" in refused(tmp_path, path)
    path.write_bytes(b"PK\x03\x04" + bytes(1000))
    assert ".zip" in refused(tmp_path, path)
    assert "has type 0x83" in refused(tmp_path, image(path, kind=0x83))
    assert "GPT" in refused(tmp_path, image(path, kind=0xEE))
    assert "cmdline.txt" in refused(tmp_path, image(path, {"hello.txt": b""}))
    assert "kernel8.img" in refused(tmp_path, image(path, {"cmdline.txt": b"", "kernel7.img": b""}))
    image(path)
    path.write_bytes(path.read_bytes()[: START + 1000])
    assert "ends within" in refused(tmp_path, path)
    assert "No such file or directory; give a Raspberry Pi OS Lite image" in refused(tmp_path, tmp_path / "none.img")


def test_a_boot_partition_without_room_is_refused(tmp_path: Path) -> None:
    for size in (41_943_040, 41_850_000):  # FatFs writes as much as fits, and says nothing
        full = {**TRIXIE_FILES, "full.bin": bytes(size)}
        assert "no room" in refused(tmp_path, image(tmp_path / "base.img", full))


def test_the_base_is_not_written_over(tmp_path: Path) -> None:
    base = image(tmp_path / "base.img")
    with job_of(base) as work, pytest.raises(FlashError, match="base image"):
        work.write(a_unit(tmp_path), base)


# -- the unit file --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('host = "door-1"', 'host = "Door 1"', "unit.host: expected letters a-z"),
        ('host = "door-1"', 'hots = "door-1"', "unit.hots: unknown key"),
        ('"Europe/Berlin"', '"Europe/Bärlin"', "unit.timezone: unknown time zone"),
        ('name = "keeper"', 'name = "root"', "user.name"),
        (f'ssh_keys = ["{KEY}"]', 'ssh_keys = ["-----BEGIN OPENSSH PRIVATE KEY-----"]', "a public key"),
        (f'ssh_keys = ["{KEY}"]\npassword = "correct horse"', "", "nobody could log in"),
        ('password = "correct horse"', 'password_hash = "$1$abc$def"', r"a $6$, $y$ or $2b$ hash"),
        ('password = "battery staple"', 'password = "short"', "wifi.password"),
        ('password = "battery staple"\n', "", "password or psk"),
        ('country = "DE"', 'country = "Germany"', "two capital letters"),
        ("pin = 27", "pin = 77", "door.toml:20: outputs.led.pin"),
        ('source = "picamera:0"', 'source = "picamera:0"\nfsp = 3', "camera.fsp: unknown key"),
        ("[config.outputs.led]\npin = 27", "", "no output is set"),
        ('host = "door-1"', 'host = "door-1"\nconfig = "other.toml"', "remove one of them"),
    ],
)
def test_a_mistake_in_the_unit_file_is_one_line_without_secrets(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert old in UNIT
    with pytest.raises(ConfigError) as error:
        a_unit(tmp_path, UNIT.replace(old, new))
    text = str(error.value)
    assert expected in text
    assert not any(secret in text for secret in (*SECRETS, "short", "PRIVATE", "abc$def"))


def test_a_config_and_keys_in_files_of_their_own_are_found_beside_the_unit_file(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[outputs.buzzer]\npin = 5\n")
    (tmp_path / "id.pub").write_text(f"# mine\n{KEY}\n")
    unit = a_unit(
        tmp_path, '[unit]\nhost = "a"\nconfig = "mine.toml"\n[user]\nname = "me"\nssh_key_files = ["id.pub"]\n'
    )
    assert unit.ssh_keys == (KEY,)
    assert unit.settings.outputs.buzzer is not None
    assert unit.config_text == "[outputs.buzzer]\npin = 5\n"


def test_a_key_that_is_missing_is_named_with_its_line_and_how_to_make_one(tmp_path: Path) -> None:
    text = '[unit]\nhost = "a"\n[user]\nname = "me"\nssh_key_files = ["id.pub"]\n'
    with pytest.raises(ConfigError, match=r"toml:5: user.ssh_key_files: .*id.pub: No such file.*ssh-keygen -t ed25519"):
        a_unit(tmp_path, text)
    (tmp_path / "id.pub").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="contains no public key"):
        a_unit(tmp_path, text)


def test_with_sudo_the_callers_home_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", {"me": SimpleNamespace(pw_dir=str(tmp_path / "me"))}.__getitem__)
    monkeypatch.setenv("HOME", str(tmp_path / "root"))
    monkeypatch.setenv("SUDO_USER", "me")
    monkeypatch.setattr(sys, "platform", "linux")
    assert workstation.expanded("~/.ssh/id.pub") == tmp_path / "me/.ssh/id.pub"
    assert wheels.default_folder(TRIXIE) == tmp_path / "root/.cache/maskwatch/wheels/trixie"
    (tmp_path / "me/.cache/maskwatch").mkdir(parents=True)
    assert wheels.default_folder(TRIXIE) == tmp_path / "me/.cache/maskwatch/wheels/trixie"
    monkeypatch.setenv("SUDO_USER", "gone")
    assert workstation.expanded("~/x") == tmp_path / "root/x"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("SUDO_USER", "me")
    assert workstation.expanded("~") == tmp_path / "root"


def test_a_folder_of_wheels_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FlashError, match="file: expected a folder for the unit's packages"):
        wheels.unpack(TRIXIE, tmp_path / "file", tmp_path / "site", print)


def test_a_full_disk_is_not_blamed_on_the_wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = subprocess.CompletedProcess([], 1, "", "ERROR: [Errno 28] No space left on device\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: full)
    with pytest.raises(FlashError, match=r"no room for the unit's packages.*TMPDIR=FOLDER"):
        wheels.unpack(TRIXIE, tmp_path, tmp_path / "site", print)


def test_another_python_is_refused_before_packages_are_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheels, "unpack", lambda *_: pytest.fail("downloaded"))
    with pytest.raises(FlashError, match=r"--python /nosuch: is not python3\.13"):
        tree.build(TRIXIE, tmp_path / "tree", tmp_path, "/nosuch", print)


def test_without_a_config_the_default_in_the_package_goes_onto_the_card(tmp_path: Path) -> None:
    unit = a_unit(tmp_path, f'[unit]\nhost = "a"\n[user]\nname = "me"\nssh_keys = ["{KEY}"]\n')
    assert "# maskwatch: every key with its default" in unit.config_text


def test_this_workstations_environment_has_no_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASKWATCH__OUTPUTS__LED__PIN", "5")
    led = a_unit(tmp_path).settings.outputs.led
    assert led is not None
    assert led.pin == 27


def test_the_system_asked_for_counts(tmp_path: Path) -> None:
    found = content(made(tmp_path, image(tmp_path / "base.img", BOOKWORM_FILES), system="trixie"))
    assert json.loads(found["maskwatch/manifest.json"])["python"] == list(TRIXIE.python)
    assert "user-data" in found
