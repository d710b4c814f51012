"""Cameras that speak http: a stream of JPEG parts, or a picture a request. The standard library speaks it for us.

Looked at in November 2026: requests and httpx bring five packages each to the device; neither bounds the time of a
whole answer (a byte a second is progress to them), and both follow environment variables and .netrc that nobody thinks
of at a door. http.client does the protocol; what is ours is the time, the password's way and the parts of the stream.
"""
