"""Detect pictures of a live device that come from a buffer and are old."""

# A shorter silence leaves too short a backlog to drop pictures for.
_SILENCE = 0.5  # seconds
_SPARE = 8  # pictures that drivers hold beside those of the silence
_DEEPEST = 20.0  # seconds of pictures that a buffer may hold


class Backlog:
    """Says which fetched pictures to skip.

    After opening, after a silence of the device, or when nobody asked for a while, buffered pictures come at
    once, oldest first; one that had to be waited for is new. `rate` is in pictures a second, `opening` when
    opening began. Times in seconds of one clock.
    """

    def __init__(self, rate: float, opening: float) -> None:
        self._period = 1.0 / rate
        self._last = opening
        self._waited = 0.0
        self._remaining = self._new_in_a_row = 0
        # A busy machine can cause one short wait, but not two in a row.
        self._enough = 2 if rate > 5 else 1

    def is_old(self, asked: float, came: float) -> bool:
        """Whether to skip a picture that was asked for and came at these times."""
        unasked, waited, before = asked - self._last, came - asked, self._waited
        self._last, self._waited = came, waited
        # Unless the device is always that slow.
        fell_silent = waited > max(_SILENCE, 2 * before)
        if fell_silent or unasked > _SILENCE:
            self._expect(unasked + waited)
        self._new_in_a_row = self._new_in_a_row + 1 if waited >= self._period / 2 and not fell_silent else 0
        self._remaining = 0 if self._new_in_a_row >= self._enough else max(0, self._remaining - 1)
        return self._remaining > 0

    def _expect(self, silence: float) -> None:
        """Expect as many buffered pictures as were made in the silence, and as many again meanwhile.

        Not more: a reader that cannot keep up sees old pictures rather than none.
        """
        most = int(2 * _DEEPEST / self._period)
        self._remaining = min(most, self._remaining + int(2 * silence / self._period) + _SPARE)
