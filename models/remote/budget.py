"""Limits on what an expert on another machine may cost, in questions and bytes."""

from dataclasses import dataclass

from core.errors import ExpertError


@dataclass
class Budget:
    """Limits, 0 for none, and what was spent so far.

    `calls` counts questions that were answered, or may have been before the reply was lost; `bytes` those of
    request and reply bodies. Both may start with an earlier process's spending.
    """

    max_calls: int = 0
    max_bytes: int = 0
    calls: int = 0
    bytes: int = 0

    def refusal(self, calls: int, size: int = 0) -> str:
        """Why a request of `calls` questions in `size` bytes may not be sent, or ""."""
        if self.max_calls and self.calls + calls > self.max_calls:
            return (
                f"The expert has been asked {self.calls} of at most {self.max_calls} questions. "
                "Set expert.max_calls higher, or to 0 for no limit."
            )
        # An answer takes at least a byte.
        if self.max_bytes and self.bytes + size >= self.max_bytes:
            return (
                f"{self.bytes:,} of at most {self.max_bytes:,} bytes have gone to and from the expert. "
                "Set expert.max_bytes higher, or to 0 for no limit."
            )
        return ""

    def check(self, calls: int, size: int = 0) -> None:
        """Raises ExpertError when a request of `calls` questions in `size` bytes would exceed a limit."""
        if refusal := self.refusal(calls, size):
            raise ExpertError(refusal)

    def spent(self, calls: int, size: int) -> None:
        """Count `calls` questions and `size` bytes."""
        self.calls += calls
        self.bytes += size
