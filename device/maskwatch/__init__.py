"""maskwatch: the daemon on the Pi. Camera frames in, buzzer and LED out."""

import os

__version__ = "0.1.0"

MAX_PIXELS = 50_000_000  # of a picture in a file: one of 7000x7000 takes 0.3 GB while it is decoded
# cv2 compares it with the size in the file's header, before it takes memory. It reads the variable when it is first
# imported, so this is the only place that surely comes before.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PIXELS))
