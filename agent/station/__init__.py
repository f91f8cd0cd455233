"""A session in this process before a screen: camera, microphone, meters, wishes."""
