"""The networks, one file each. Every input is camera bytes (0–255): scaling is the first layer."""
