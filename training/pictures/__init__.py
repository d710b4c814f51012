"""Photographs on disk: data sets, annotated scenes, their split."""
