"""maskwatch: the daemon on the Pi. Camera frames in, buzzer and LED out."""

import os

__version__ = "0.1.0"

MAX_PIXELS = 50_000_000  # of a picture in a file; decoding one of 7000x7000 takes 0.3 GB
# cv2 compares the limit with the size in the file's header before it allocates memory. It reads the variable when it is
# first imported, and only here it is certain that cv2 was not imported before.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PIXELS))
