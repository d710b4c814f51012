"""A model that is not the package's own: looked through, then tried in a child, before the unit trusts it.

This finds what is broken and what crashes the runtime. It is no wall against somebody who means harm: a model file,
like a program, is to be had from somebody who is trusted.
"""
