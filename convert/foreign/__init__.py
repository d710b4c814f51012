"""Mask models that others trained: read with care, made to take camera bytes and to answer logits, judged, packed."""
