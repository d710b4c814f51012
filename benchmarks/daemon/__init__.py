"""Measures the whole daemon on this machine: its start, its stages, its latency to the pin, half an hour of it."""
