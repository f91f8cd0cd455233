"""Show as 8 bits what has more: the range that is meant is seldom that of the type."""

import numpy as np
import numpy.typing as npt

_FULL = (1.0, 255.0, 1023.0, 4095.0, 16383.0, 65535.0)
"""Where ranges end: floats, and 8, 10, 12, 14 and 16 bits, whatever the type could hold."""
_STRAY = 1e-4
"""The share of pixels, hot or dead ones, that do not count as the lightest or darkest."""
_LITTLE = 8.0
"""How much smaller than the range the numbers may be before they have a range of their own."""


def to_8_bits(values: npt.NDArray[np.number]) -> npt.NDArray[np.uint8] | None:
    """Grey numbers [h, w] of any type as uint8 [h, w]; None where all are nothing or no numbers.

    The smallest usual range that holds them is taken for theirs. What fills little of it, as temperatures do,
    is stretched from its darkest to its lightest.
    """
    wide = np.asarray(values, dtype=np.float32)
    finite = wide[np.isfinite(wide)]
    if not finite.size:
        return None
    low, high = np.quantile(finite, (_STRAY, 1.0 - _STRAY))
    if high == low <= 0.0:
        return None
    black, white = _range(float(low), float(high))
    shown = np.clip((wide - black) / (white - black), 0.0, 1.0)
    grey: npt.NDArray[np.uint8] = np.rint(255.0 * np.nan_to_num(shown)).astype(np.uint8)
    return grey


def _range(low: float, high: float) -> tuple[float, float]:
    """The numbers of black and of white, given the darkest and the lightest."""
    full = next((end for end in _FULL if high <= end), high)
    if low < 0.0 or (low < high and low > full / _LITTLE > high - low):
        return low, high
    return 0.0, high if high < full / _LITTLE else full
