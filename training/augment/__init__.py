"""Varies training photographs.

`wear` and `transplant` change what people wear; `weather` changes the picture as cameras do.
"""
