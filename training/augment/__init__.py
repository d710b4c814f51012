"""How training photographs are varied.

`wear` and `transplant`: what people wear; `weather`: what a camera does.
"""
