"""maskwatch: the daemon on the Pi. Camera frames in, buzzer and LED out."""

__version__ = "0.1.0"
