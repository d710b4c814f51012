"""The whole daemon on this machine: its start, its stages, its way to the pin, half an hour of it."""
