"""Cameras at http addresses: a stream of JPEGs, or one picture for each request. It uses Python's http.client.

Considered in November 2026: requests and httpx. Each adds five packages to the unit. Neither limits the time of a whole
answer (one byte a second is enough for them), and both obey environment variables and .netrc, which nobody expects on a
unit. With http.client we limit the time, control where the password is sent, and split the stream ourselves.
"""
