"""The daemon: its parts put together, its loop, and what systemd and signals ask of it."""
