"""What FFmpeg does not do for an RTSP camera: hold its certificate to its host, and keep its password at one host.

The FFmpeg in OpenCV 4.11's wheel takes any certificate whatever it is told, the one in 5.0's any that is trusted, for
whatever host; both follow a redirect to another host and log in there with the same password.
"""
