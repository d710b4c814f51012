"""What FFmpeg does not do for an RTSP camera: check the certificate's host, and send the password to this host alone.

The FFmpeg in the wheel of OpenCV 4.11 accepts every certificate, with any option. The one in 5.0 accepts every trusted
certificate for any host. Both follow a redirect to another host and log in there with the same password.
"""
