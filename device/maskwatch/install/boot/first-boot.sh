#!/bin/sh
# First boot of a flashed unit, from the boot partition. It needs only POSIX sh and the Python of the image.
#   first-boot.sh arm [start]   install a service that runs this at every boot until it is done; start: also start it now
#   first-boot.sh run           check the files, unpack the packages, then run maskwatch.install.first_boot from them
# MASKWATCH_ROOT is another root folder, for tests.
set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 1
boot=$(dirname "$here")
root=${MASKWATCH_ROOT:-}
state=$root/var/lib/maskwatch-first-boot
units=$root/etc/systemd/system
unit=maskwatch-first-boot.service

# Write a file atomically: write a temporary file, sync it, rename it.
put() {
    cat >"$1.new" && sync "$1.new" && mv "$1.new" "$1" && sync "$(dirname "$1")"
}

not_ready() {
    printf 'maskwatch first boot: not ready: %s\n' "$2"
    printf 'not ready: %s: %s\n' "$1" "$2" | put "$boot/maskwatch-report.txt"
    printf '{"stage": "%s", "state": "failed", "detail": "%s"}\n' "$1" "$2" | put "$state/state.json"
    # The kernel blinks the board's LED, also after this script has ended.
    for led in "$root"/sys/class/leds/ACT "$root"/sys/class/leds/led0; do
        [ -e "$led/trigger" ] || continue
        echo timer >"$led/trigger"
        echo 1000 >"$led/delay_on"
        echo 1000 >"$led/delay_off"
    done
    exit 1
}

case ${1:-} in
arm)
    [ -e "$state/done" ] && exit 0
    mkdir -p "$units/multi-user.target.wants" "$state" || exit 1
    put "$units/$unit" <"$here/$unit" || exit 1
    ln -sfn "../$unit" "$units/multi-user.target.wants/$unit" || exit 1
    sync
    if [ "${2:-}" = start ] && [ -z "$root" ]; then
        systemctl daemon-reload
        systemctl start --no-block "$unit"
    fi
    ;;
run)
    [ -e "$state/done" ] && exit 0
    mkdir -p "$state" || exit 1
    echo "maskwatch first boot: payload"
    errors=$(cd "$here" && sha256sum -c --quiet SHA256SUMS 2>&1) ||
        not_ready payload "files on the card are damaged: $(echo "$errors" | tr '\n"\\' '   ')flash the card again"
    echo "maskwatch first boot: tree"
    tree=$(python3 -I -B "$here/unpack.py" "$here/bundle.tar.gz" "$here/manifest.json" "$root/opt/maskwatch") ||
        not_ready tree "$(tail -n 1 "$root/opt/maskwatch/unpack.log" 2>/dev/null | tr '"\\' '  ')"
    cd / || exit 1
    exec "$tree/bin/python3" -B -m maskwatch.install.first_boot "$here"
    ;;
*)
    echo "usage: $0 arm [start] | run" >&2
    exit 2
    ;;
esac
