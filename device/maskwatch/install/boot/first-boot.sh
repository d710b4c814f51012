#!/bin/sh
# First boot of a flashed unit, from the boot partition. POSIX sh and the image's own Python, nothing else.
#   first-boot.sh arm [start]   have systemd run this at every boot until it is done; start: now as well
#   first-boot.sh run           check the files, unpack the tree, then let the tree's own code do the rest
# MASKWATCH_ROOT: another root folder, for tests.
set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 1
boot=$(dirname "$here")
root=${MASKWATCH_ROOT:-}
state=$root/var/lib/maskwatch-first-boot
units=$root/etc/systemd/system
unit=maskwatch-first-boot.service

# A file that is there whole or not at all: written beside it, synced, renamed.
put() {
    cat >"$1.new" && sync "$1.new" && mv "$1.new" "$1" && sync "$(dirname "$1")"
}

not_ready() {
    printf 'maskwatch first boot: not ready: %s\n' "$2"
    printf 'not ready: %s: %s\n' "$1" "$2" | put "$boot/maskwatch-report.txt"
    printf '{"stage": "%s", "state": "failed", "detail": "%s"}\n' "$1" "$2" | put "$state/state.json"
    # The board's own light blinks slowly: it needs no program that goes on running.
    for light in "$root"/sys/class/leds/ACT "$root"/sys/class/leds/led0; do
        [ -e "$light/trigger" ] || continue
        echo timer >"$light/trigger"
        echo 1000 >"$light/delay_on"
        echo 1000 >"$light/delay_off"
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
    said=$(cd "$here" && sha256sum -c --quiet SHA256SUMS 2>&1) ||
        not_ready payload "files on the card are damaged: $(echo "$said" | tr '\n"\\' '   ')flash the card again"
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
