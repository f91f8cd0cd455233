"""Frozen values that more than one layer handles."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """What a model said to one question, and how sure it was.

    `token_ids` are the answer's own tokens as the model produced them, the closing one included;
    `token_logprobs` holds for each the natural logarithm of the probability it was given, so
    every value is at most 0. `confidence` is in [0, 1]; it is the model's own, not calibrated.
    """

    text: str
    token_ids: tuple[int, ...]
    token_logprobs: tuple[float, ...]
    confidence: float

    def __post_init__(self) -> None:
        if len(self.token_ids) != len(self.token_logprobs):
            raise ValueError(f"{len(self.token_ids)} tokens but {len(self.token_logprobs)} log-probabilities")
        if not 0.0 <= self.confidence <= 1.0:
            raise ValueError(f"confidence {self.confidence} is outside [0, 1]")
