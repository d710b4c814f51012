"""Pictures, folders of pictures and videos as sources of frames."""
