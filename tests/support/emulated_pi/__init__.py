"""A Raspberry Pi 3B in QEMU: its base image, its card, its serial port, and its pins read from outside."""
