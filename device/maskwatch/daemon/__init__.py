"""The daemon: builds its parts, runs the loop, and answers systemd and signals."""
