"""A vision-language model whose adapters may act after the picture alone."""

import abc
from collections.abc import Sequence

import torch

from models.decoding import Steps
from models.prefix import Prefixes
from models.vlm import VisionLanguageModel, VisionTokens


class PrefixModel(VisionLanguageModel):
    """A model that reads a prefix, as the picture is, and then goes on.

    An adapter of `later_targets` changes no prefix: encoded once, it serves every adapter, and training too.
    """

    @abc.abstractmethod
    def prefixes(self, vision: VisionTokens, questions: Sequence[str]) -> Prefixes:
        """Those of questions about one picture, or one picture each, with gradients where they are enabled.

        Raises QuestionError when one is too long.
        """

    @abc.abstractmethod
    def begin_after(self, prefixes: Prefixes) -> Steps:
        """Prepare to answer what was read."""

    @abc.abstractmethod
    def forced_after(self, prefixes: Prefixes, answers: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits [B, T, V] and the labels [B, T] they predict, as in `TeacherForced`; gradients as there."""

    @abc.abstractmethod
    def forced_looking(
        self, prefixes: Prefixes, answers: Sequence[str]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The same, and where each of the answer's tokens looks in the prefix, [B, T, S], rows sum to 1."""

    @abc.abstractmethod
    def later_targets(self) -> list[str]:
        """Exact names of the linear layers that take LoRA and change no prefix."""
