"""What the unit file allows the daemon."""

STOP_WITHIN = 10.0  # seconds, TimeoutStopSec
