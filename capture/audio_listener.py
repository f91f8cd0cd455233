"""From a microphone to utterances on one thread: blocks, chunks, voice activity, segments."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from capture.audio import Block, Chunker, Ears
from capture.speaker import Mute
from capture.utterance import Segmenter, Utterance
from capture.voice_activity import VoiceActivity

T = TypeVar("T")


class OverflowQueue(Generic[T]):
    """A thread-safe FIFO queue that drops the oldest of more than `size` values."""

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"a queue of {size} holds nothing")
        self._values: deque[T] = deque()
        self._size = size
        self._changed = threading.Condition()
        self._closed = False
        self._overflowed = 0

    @property
    def overflowed(self) -> int:
        """How many values were dropped."""
        with self._changed:
            return self._overflowed

    def put(self, value: T) -> None:
        """Add a value without waiting. After `close` it is dropped, uncounted."""
        with self._changed:
            if self._closed:
                return
            if len(self._values) == self._size:
                self._values.popleft()
                self._overflowed += 1
            self._values.append(value)
            self._changed.notify()

    def get(self, timeout: float) -> T | None:
        """The oldest value; None when none came within `timeout` seconds or the queue is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._values or self._closed, timeout)
            return self._values.popleft() if self._values else None

    def close(self) -> None:
        """Accept nothing more, and wake waiting readers. Queued values can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


_WAIT = 0.1  # seconds
_GRACE = 2.0


class Listener:
    """Listens until closed or the sound ends, and starts and closes its microphone.

    `give` gets each utterance on the listener's thread; it must be quick and must not raise. `press` and
    `release` may be called from any thread, with times of the monotonic clock.
    """

    def __init__(
        self, ears: Ears, activity: VoiceActivity, segmenter: Segmenter, give: Callable[[Utterance], None],
        mute: Mute | None = None,
    ) -> None:  # fmt: skip
        self._ears, self._activity, self._segmenter = ears, activity, segmenter
        self._give, self._mute = give, mute or Mute()
        self._chunker = Chunker()
        self._muted = False
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)

    def start(self) -> None:
        """Begin to listen. Raises CaptureError if the microphone does."""
        self._ears.start()
        self._thread.start()

    def press(self, at: float) -> None:
        """The key to talk went down."""
        with self._lock:
            self._segmenter.press(at)

    def release(self, at: float) -> None:
        """The key to talk went up."""
        with self._lock:
            self._segmenter.release(at)

    def wait(self, timeout: float) -> bool:
        """Wait for the end of the sound; False when it takes longer than `timeout` seconds."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def close(self) -> None:
        """Stop listening and drop the current utterance. Never hangs."""
        self._closing.set()
        self._ears.close()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(_GRACE)

    def _run(self) -> None:
        while not self._closing.is_set() and not self._ears.ended:
            block = self._ears.read(_WAIT)
            if block is not None:
                self.hear(block)
        if not self._closing.is_set():
            with self._lock:
                rest = self._segmenter.end()
            self._give_utterances(rest)

    def hear(self, block: Block) -> None:
        """Process one block in this thread."""
        for chunk in self._chunker.cut(block):
            if self._mute.covers(chunk.at, chunk.ended):
                self._end_for_mute()
                continue
            self._muted = False
            probability = self._activity.probability(chunk.samples)
            with self._lock:
                utterances = self._segmenter.take(chunk, probability)
            self._give_utterances(utterances)

    def _end_for_mute(self) -> None:
        """End the current utterance; later sound does not continue it."""
        if self._muted:
            return
        self._muted = True
        self._activity.reset()
        with self._lock:
            rest = self._segmenter.end()
        self._give_utterances(rest)

    def _give_utterances(self, utterances: list[Utterance]) -> None:
        for utterance in utterances:
            self._give(utterance)
