"""The start of first boot on Bookworm: the kernel's command line makes systemd run a script once, as with Raspberry Pi
Imager.

The script is in /boot/firmware: Raspberry Pi OS' initramfs modifies and damages a /boot/firstrun.sh.
"""

from __future__ import annotations

SCRIPT = """#!/bin/sh
# Written by `maskwatch flash`. systemd runs it by the words that it takes out of cmdline.txt at its end; a power cut
# before that has it run again.
here=$(dirname "$0")
sh "$here/maskwatch/first-boot.sh" arm || exit 1
words='s/ systemd\\.run[^ ]*//g; s/ systemd\\.unit=kernel-command-line\\.target//g'
sed "$words" "$here/cmdline.txt" >"$here/cmdline.new" && sync && mv "$here/cmdline.new" "$here/cmdline.txt" && sync
exit 0
"""
WORDS = (
    "systemd.run=/boot/firmware/firstrun.sh",
    "systemd.run_success_action=reboot",
    "systemd.unit=kernel-command-line.target",
)


def command_line(text: str, words: tuple[str, ...]) -> str:
    """The content of cmdline.txt (one line) with words added.

    Args:
        text: the content before.
        words: `name=value`; a word with the same name is replaced.
    """
    names = {word.partition("=")[0] for word in words}
    kept = [word for word in text.split() if word.partition("=")[0] not in names]
    return " ".join((*kept, *words)) + "\n"
