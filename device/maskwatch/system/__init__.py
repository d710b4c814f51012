"""This machine and this process: files, libraries, streams, the clock, the end. Knows nothing of cameras or alerts."""
