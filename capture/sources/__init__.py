"""Sources of pictures: devices, streams and files."""
