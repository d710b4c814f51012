"""This machine and this process: files, libraries, streams, the clock, the process's end. Nothing about masks."""
