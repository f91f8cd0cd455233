"""Which pictures of a live device have lain in a buffer, so that they are old though they come only now."""

# A shorter silence leaves a backlog that is as short, and not worth losing pictures for.
_SILENCE = 0.5  # seconds
_SPARE = 8  # pictures that drivers hold beside those of the silence
_DEEPEST = 20.0  # seconds of pictures that a buffer may hold


class Backlog:
    """Told of every picture that was fetched, it says which to pass over.

    When nobody asked for a while, or the device fell silent, and after opening, what was buffered comes at
    once, oldest first; a picture that had to be waited for is new again. `rate` is how many pictures a second
    the device gives, `opening` when it began to be opened. Times in seconds of one clock.
    """

    def __init__(self, rate: float, opening: float) -> None:
        self._period = 1.0 / rate
        self._last = opening
        self._waited = 0.0
        self._left = self._new = 0
        # A busy machine makes a wait of some milliseconds by itself, but not twice.
        self._enough = 2 if rate > 5 else 1

    def is_old(self, asked: float, came: float) -> bool:
        """Whether a picture that was asked for and came at these moments is to be passed over."""
        unasked, waited, before = asked - self._last, came - asked, self._waited
        self._last, self._waited = came, waited
        # Not of a device that is always as slow: then it was waited for and is new.
        fell_silent = waited > max(_SILENCE, 2 * before)
        if fell_silent or unasked > _SILENCE:
            self._expect(unasked + waited)
        self._new = self._new + 1 if waited >= self._period / 2 and not fell_silent else 0
        self._left = 0 if self._new >= self._enough else max(0, self._left - 1)
        return self._left > 0

    def _expect(self, silence: float) -> None:
        """As many may lie in buffers as were made in the silence, and as many again come meanwhile.

        More are not passed over: who cannot keep up sees old pictures rather than none.
        """
        most = int(2 * _DEEPEST / self._period)
        self._left = min(most, self._left + int(2 * silence / self._period) + _SPARE)
