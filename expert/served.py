"""The served model, and what can be had of it."""

from dataclasses import dataclass, field

from transformers import PreTrainedTokenizerBase

from core.errors import InputError
from core.types import Answer
from expert.asking import AskForm
from models.decoding import spell
from models.remote.wire import SignalPart


@dataclass(frozen=True)
class Served:
    """`looks` views go into each answer; `distillation`: clients may learn from it. `transfer` is the
    SHA-256 of the shared autoencoder's weights, "" without one.
    """

    name: str
    tokenizer: PreTrainedTokenizerBase = field(repr=False)
    looks: int
    distillation: bool = True
    transfer: str = ""

    @property
    def signals(self) -> tuple[SignalPart, ...]:
        """The available signals."""
        if not self.distillation:
            return ()
        return ("attention", "logprobs", "focus", *(("code",) if self.transfer else ()))

    def check(self, ask: AskForm) -> None:
        """Raises InputError when a signal is not available."""
        missing = [name for name in ask.signals if name not in self.signals]
        if missing:
            raise InputError(
                f"This expert gives no {missing[0]!r}. It gives: {', '.join(self.signals) or 'words'}."
            )
        if "code" in ask.signals and ask.transfer != self.transfer:
            raise InputError(
                f"The code is of the autoencoder {self.transfer[:12]}, and {ask.transfer[:12] or 'none'} "
                "was named. Both sides must have the same one."
            )

    def pieces(self, answer: Answer) -> list[str]:
        """The text of each of the answer's tokens."""
        return [spell(self.tokenizer, [token]) for token in answer.token_ids]
