"""Whisper by openai-whisper or faster-whisper. Never downloads, never unpickles.

An utterance is at most 30 s, Whisper's window. It is encoded once and decoded greedily, and once more with
beam search where that is unsure. There is no random sampling. `capture.audio_inventions` checks the result.
"""

import dataclasses
import math
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from pickle import UnpicklingError
from types import ModuleType
from typing import Any, Literal, Protocol

import torch

from capture.audio import Samples
from capture.audio_inventions import UNSURE, Draft, echoes
from core.errors import ConfigError, MissingDependencyError, WeightsError
from core.extras import require
from core.files import expand_user
from core.sections import VoiceConfig

Engine = Literal["openai", "faster"]
"""The library that runs Whisper."""
SUFFIX = ".pt"
_DOUBTFUL = -0.5  # mean log-probability below which a wider search is worth its time
_BEAM = 5
_SIZES = {
    "n_mels": 256, "n_audio_ctx": 1500, "n_audio_state": 2048, "n_audio_head": 64, "n_audio_layer": 64,
    "n_vocab": 60_000, "n_text_ctx": 448, "n_text_state": 2048, "n_text_head": 64, "n_text_layer": 64,
}  # fmt: skip


class Whisper(Protocol):
    """Transcribes speech."""

    def draft(self, samples: Samples) -> Draft:
        """Transcribe float32 [n] at 16 kHz, at most 30 s."""


def load_whisper(engine: Engine, model: str, folder: Path, language: str = "en", hint: str = "") -> Whisper:
    """Load Whisper by name from a folder, or a checkpoint by its path.

    `hint` is a prompt, as if it had been said just before. Raises MissingDependencyError without the library,
    WeightsError when the model is missing, damaged or holds more than numbers, ConfigError for an unknown
    language.
    """
    kind = FasterWhisper if engine == "faster" else OpenAIWhisper
    return kind(model, folder, language, hint)


class OpenAIWhisper:
    """openai-whisper's model class, with weights loaded safely."""

    def __init__(self, model: str, folder: Path, language: str, hint: str = "") -> None:
        self._hint = hint
        self._library: Any = require("whisper", "voice")
        if language and language not in self._library.tokenizer.LANGUAGES:
            raise ConfigError(
                f"Whisper knows no language {language!r}. Set voice.language to one such as en."
            )
        self._half = torch.cuda.is_available()
        self._model = _build_model(self._library, _load_checkpoint(_locate(self._library, model, folder)))
        self._model.to("cuda" if self._half else "cpu").eval()
        self._narrow, self._wide = (
            self._library.DecodingOptions(
                language=language or None, temperature=0.0, without_timestamps=True, fp16=self._half,
                prompt=hint or None, beam_size=beam,
            )
            for beam in (None, _BEAM)
        )  # fmt: skip

    def draft(self, samples: Samples) -> Draft:
        sound = self._encode(samples)
        first = self._decode(sound, self._narrow)
        # Beam search must not make very unclear speech look clearer.
        return self._decode(sound, self._wide) if UNSURE <= first.logprob < _DOUBTFUL else first

    def _encode(self, samples: Samples) -> torch.Tensor:
        """Whisper's encoder output [positions, width], which is most of the work."""
        model, window = self._model, self._library.pad_or_trim(samples)
        mel = self._library.log_mel_spectrogram(window, n_mels=model.dims.n_mels).to(model.device)
        with torch.no_grad():
            sound: torch.Tensor = model.embed_audio((mel.half() if self._half else mel)[None])[0]
        return sound

    def _decode(self, sound: torch.Tensor, options: Any) -> Draft:
        result = self._library.decode(self._model, sound, options)
        return Draft(
            result.text, result.no_speech_prob, result.avg_logprob, result.compression_ratio,
            echoes(result.text, self._hint),
        )  # fmt: skip


class FasterWhisper:
    """faster-whisper: CTranslate2's format, some times faster on a processor."""

    def __init__(self, model: str, folder: Path, language: str, hint: str = "") -> None:
        library = _faster_whisper()
        name = model if Path(model).is_dir() else model.removesuffix(SUFFIX)
        self._language, self._hint = language or None, hint
        try:
            self._model = library.WhisperModel(
                name, device="cpu", compute_type="int8", download_root=str(folder), local_files_only=True
            )
        except (RuntimeError, ValueError, OSError) as error:
            fetch = f"faster_whisper.download_model('{name}', cache_dir='{folder}')"
            raise WeightsError(
                f"faster-whisper finds no model {model!r} in {folder} ({error}). Download it there once: "
                f'python -c "import faster_whisper; {fetch}"'
            ) from error

    def draft(self, samples: Samples) -> Draft:
        pieces, _ = self._model.transcribe(
            samples, language=self._language, beam_size=1, temperature=0.0, without_timestamps=True,
            initial_prompt=self._hint or None, condition_on_previous_text=False, no_speech_threshold=None,
            log_prob_threshold=None, compression_ratio_threshold=None,
        )  # fmt: skip
        whole = join_drafts([_draft(piece) for piece in pieces])
        return dataclasses.replace(whole, echo=echoes(whole.text, self._hint))


def _draft(piece: Any) -> Draft:
    return Draft(piece.text, piece.no_speech_prob, piece.avg_logprob, piece.compression_ratio)


def join_drafts(drafts: Sequence[Draft]) -> Draft:
    """Join pieces of one utterance: the least `no_speech`, and `logprob` weighted by text length."""
    if not drafts:
        return Draft("", 1.0, -math.inf, 0.0)
    lengths = [max(1, len(draft.text)) for draft in drafts]
    mean = sum(draft.logprob * length for draft, length in zip(drafts, lengths, strict=True)) / sum(lengths)
    return Draft(
        " ".join(draft.text.strip() for draft in drafts), min(draft.no_speech for draft in drafts),
        mean, max(draft.compression for draft in drafts),
    )  # fmt: skip


def _faster_whisper() -> Any:
    try:
        return require("faster_whisper", "voice")
    except MissingDependencyError as error:
        raise MissingDependencyError(
            "faster-whisper is chosen and not installed. Install it with: pip install faster-whisper, "
            "or set voice.engine to openai."
        ) from error


def _locate(library: ModuleType, model: str, folder: Path) -> Path:
    """The path of a checkpoint, given as a path or by name in the folder."""
    path = expand_user(model)
    if path.suffix == SUFFIX or path.is_file():
        if path.is_file():
            return path
        raise WeightsError(f"There is no Whisper checkpoint at {path}. Check the path.")
    if model not in library.available_models():
        names = ", ".join(library.available_models())
        raise WeightsError(
            f"There is no Whisper model {model!r}. Choose one of {names}, or a checkpoint's path."
        )
    named = folder / f"{model}{SUFFIX}"
    if not named.is_file():
        raise WeightsError(
            f"Whisper's {model} is not in {folder}. Download it there once: "
            f"python -c \"import whisper; whisper.load_model('{model}', download_root='{folder}')\""
        )
    return named


def _load_checkpoint(path: Path) -> Mapping[str, Any]:
    """Load `dims` and `model_state_dict`; anything but tensors and plain values is refused."""
    if not zipfile.is_zipfile(path):
        raise WeightsError(f"{path} is not a Whisper checkpoint, or only a part of one. Download it again.")
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError, OSError, ValueError, LookupError, TypeError) as error:
        reason = str(error).partition("\n")[0]
        raise WeightsError(
            f"{path} is not a Whisper checkpoint that is safe to load ({reason}). Download it again."
        ) from error
    if not isinstance(checkpoint, Mapping) or not {"dims", "model_state_dict"} <= checkpoint.keys():
        raise WeightsError(f"{path} is not a checkpoint of openai-whisper. Choose another file.")
    return checkpoint


def _build_model(library: Any, checkpoint: Mapping[str, Any]) -> Any:
    dims = checkpoint["dims"]
    if not isinstance(dims, Mapping) or dims.keys() != _SIZES.keys():
        raise WeightsError("The Whisper checkpoint does not say how large its model is. Choose another file.")
    for name, most in _SIZES.items():
        if type(dims[name]) is not int or not 1 <= dims[name] <= most:
            raise WeightsError(f"The Whisper checkpoint has {name} = {dims[name]!r}. Choose another file.")
    try:
        model = library.model.Whisper(library.model.ModelDimensions(**dims))
        model.load_state_dict(checkpoint["model_state_dict"])
    except (RuntimeError, TypeError, AttributeError, AssertionError) as error:
        reason = str(error).partition("\n")[0]
        raise WeightsError(f"The Whisper checkpoint is damaged ({reason}). Download it again.") from error
    return model


def whisper_loader(config: VoiceConfig) -> Callable[[], Whisper]:
    """A function that loads the configured Whisper."""
    folder = whisper_folder(config)
    return lambda: load_whisper(config.engine, config.whisper, folder, config.language, config.hint)


def whisper_folder(config: VoiceConfig) -> Path:
    """Where models are found by name. Raises StorageError without a home folder."""
    return expand_user(config.whisper_folder or "~/.cache/whisper")
