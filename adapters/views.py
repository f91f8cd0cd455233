"""The same picture as the camera would take it at another moment: exposure, white balance, noise."""

import numpy as np
from PIL import Image

_GAMMA, _CONTRAST, _GAIN, _BALANCE = (0.8, 1.25), (0.8, 1.2), (0.8, 1.2), (0.93, 1.07)
_NOISE = (0.0, 12.0)


def other_exposure(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Other gamma, contrast, brightness and white balance, and some noise. Nothing moves: left stays left."""
    values = np.arange(256) / 255
    gain = rng.uniform(*_GAIN) * rng.uniform(*_BALANCE, (3, 1))
    table = ((values ** rng.uniform(*_GAMMA) - 0.5) * rng.uniform(*_CONTRAST) + 0.5) * gain
    table = (table.clip(0, 1) * 255).astype(np.float32)
    pixels = np.asarray(picture.convert("RGB"))
    shown = np.stack([table[channel][pixels[..., channel]] for channel in range(3)], axis=-1)
    shown = shown + rng.normal(0, rng.uniform(*_NOISE), shown.shape).astype(np.float32)
    return Image.fromarray(shown.clip(0, 255).round().astype(np.uint8))
