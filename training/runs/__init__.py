"""A run on disk: its folder, its checkpoints, its progress. Imports no other room of the workshop."""
