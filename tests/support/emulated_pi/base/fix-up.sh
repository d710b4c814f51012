#!/bin/sh
# What the packages' own scripts would have done, as far as it matters, and what makes of Debian something like Raspberry
# Pi OS Lite. Nothing of the image is run but systemd's own tools, through qemu-user: the rest would take half an hour.
set -eu
root=$1
base=$(dirname "$0")
# /usr/bin and the like as Debian has them; base-files brings the links.
for name in bin sbin lib; do [ -e "$root/$name" ] || ln -s "usr/$name" "$root/$name"; done
[ -e "$root/usr/bin/sh" ] || ln -s dash "$root/usr/bin/sh"
[ -e "$root/usr/bin/awk" ] || ln -s mawk "$root/usr/bin/awk"
[ -e "$root/usr/bin/nc" ] || ln -s nc.openbsd "$root/usr/bin/nc"  # cloud-init's services talk by it
# cloud-init does not start without this file, though there is no network.
cat "$root"/usr/share/ca-certificates/mozilla/*.crt > "$root/etc/ssl/certs/ca-certificates.crt"

cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
printf 'gpio:x:986:\ni2c:x:987:\nspi:x:988:\n' >> "$root/etc/group"
sed 's/:.*/:*:20000:0:99999:7:::/' "$root/etc/passwd" > "$root/etc/shadow"
sed 's/:.*/:*::/' "$root/etc/group" > "$root/etc/gshadow"
chmod 640 "$root/etc/shadow" "$root/etc/gshadow"
for file in account auth password session session-noninteractive; do
    printf '%s required pam_unix.so\n' "${file%%-*}" > "$root/etc/pam.d/common-$file"
done

cp "$base/fstab" "$root/etc/fstab"
mkdir -p "$root/boot/firmware" "$root/usr/lib/systemd/system/cloud-init-main.service.d"
cp "$base/99_raspberry-pi.cfg" "$root/etc/cloud/cloud.cfg.d/"
cp "$base/99-gpio.rules" "$root/etc/udev/rules.d/"
cp "$base/41-firmware-mount.conf" "$root/usr/lib/systemd/system/cloud-init-main.service.d/"
cp "$base/stand-in.conf" "$root/etc/modprobe.d/"
cp "$base/test-console.service" "$root/etc/systemd/system/"
echo raspberrypi > "$root/etc/hostname"
printf '127.0.0.1\tlocalhost\n127.0.1.1\traspberrypi\n' > "$root/etc/hosts"
ln -sf /usr/share/zoneinfo/Etc/UTC "$root/etc/localtime"
: > "$root/etc/machine-id"

# fakeroot's library is of another processor; and both tools warn that they see no /proc of the image.
run() {
    tool=$1; shift
    env -u LD_PRELOAD qemu-aarch64-static -L "$root" "$root/usr/bin/$tool" --root="$root" "$@" 2>"$root/tmp/said" ||
        { cat "$root/tmp/said" >&2; exit 1; }
    rm "$root/tmp/said"
}
run systemd-sysusers
run systemctl --quiet preset-all
run systemctl --quiet enable test-console.service
# They take minutes of an emulated processor, or want a network that is not there.
run systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
    e2scrub_reap.service systemd-networkd-wait-online.service serial-getty@ttyS1.service ldconfig.service
ldconfig -r "$root"
# A finished image has its hardware database and message catalogue. These two dates say so: without them systemd makes
# both at the first start, in half a minute of an emulated processor.
touch "$root/etc/.updated" "$root/var/.updated"
