"""The cameras on a Jetson's own connectors, as GStreamer is told to open them."""

from core.config import CameraConfig


def pipeline(sensor: int, config: CameraConfig) -> str:
    """From the sensor to pictures in BGR. One picture waits at most, the newest."""
    return (
        f"nvarguscamerasrc sensor-id={sensor} ! "
        f"video/x-raw(memory:NVMM), width={config.width}, height={config.height}, "
        f"framerate={max(1, round(config.rate))}/1, format=NV12 ! "
        "nvvidconv ! video/x-raw, format=BGRx ! videoconvert ! video/x-raw, format=BGR ! "
        "appsink drop=true max-buffers=1 sync=false"
    )
