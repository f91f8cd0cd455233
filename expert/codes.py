"""The expert's attention maps as codes of few numbers, for devices with the same autoencoder."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from adapters.training.codes import MapCoder, heat_maps, load_map_coder, paired_layers, transfer_name
from models.vlm import VisionLanguageModel, VisionTokens, stack


class Coder:
    """Codes of one expert's canonical maps; `name` is the SHA-256 of the autoencoder's weights."""

    def __init__(self, vlm: VisionLanguageModel, coder: MapCoder, name: str) -> None:
        self._vlm, self._coder, self.name = vlm, coder, name

    @torch.no_grad()
    def codes(
        self, encoded: Sequence[VisionTokens], questions: Sequence[str], answers: Sequence[str]
    ) -> NDArray[np.float16]:
        """Codes, float16 [B, width], for questions about the first view of each frame, with the expert's
        answers.
        """
        first = stack([vision.select([0]) for vision in encoded])
        forced = self._vlm.teacher_forced(first, questions, answers, attentions=True)
        channels, rows, cols = self._coder.shape
        pairs = paired_layers(channels, len(forced.attentions))
        layers = [forced.attentions[layer] for _, layer in pairs]
        grid = first.rows, first.cols
        maps = heat_maps(layers, forced.vis, forced.txt, grid, first.mean_token, (rows, cols))
        return self._coder.code(maps.cpu()).numpy().astype(np.float16)


def load_coder(vlm: VisionLanguageModel, folder: Path) -> Coder:
    """Load the autoencoder in a folder. Raises StorageError, WeightsError."""
    return Coder(vlm, load_map_coder(folder), transfer_name(folder))
