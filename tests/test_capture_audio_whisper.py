import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from capture.audio_inventions import Draft
from capture.audio_whisper import OpenAIWhisper, join_drafts, load_whisper
from core.errors import ConfigError, MissingDependencyError, WeightsError

DIMS = {
    "n_mels": 80, "n_audio_ctx": 1500, "n_audio_state": 8, "n_audio_head": 2, "n_audio_layer": 1,
    "n_vocab": 51864, "n_text_ctx": 448, "n_text_state": 8, "n_text_head": 2, "n_text_layer": 1,
}  # fmt: skip


class Tiny(torch.nn.Module):
    """In place of Whisper's own class."""

    def __init__(self, dims: Any) -> None:
        super().__init__()
        self.dims = dims
        self.layer = torch.nn.Linear(2, 2)
        self.device = "cpu"

    def embed_audio(self, mels: torch.Tensor) -> torch.Tensor:
        return mels


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """openai-whisper as far as it is used; it hears its hint, else its language."""
    made: Any = ModuleType("whisper")
    made.model = SimpleNamespace(Whisper=Tiny, ModelDimensions=lambda **dims: SimpleNamespace(**dims))
    made.tokenizer = SimpleNamespace(LANGUAGES={"en": "english"})
    made.DecodingOptions = lambda **asked: SimpleNamespace(**asked)
    made.pad_or_trim = lambda samples: samples
    made.log_mel_spectrogram = lambda samples, n_mels: torch.zeros(n_mels, 3000)
    made.available_models = lambda: ["tiny.en", "base"]

    def decode(model: Any, mel: torch.Tensor, options: Any) -> SimpleNamespace:
        assert not model.training and options.temperature == 0.0 and not options.fp16
        return SimpleNamespace(
            text=options.prompt or options.language,
            no_speech_prob=0.1,
            avg_logprob=-0.3,
            compression_ratio=1.0,
        )

    made.decode = decode
    monkeypatch.setitem(sys.modules, "whisper", made)
    return made  # type: ignore[no-any-return]


def _save(path: Path, **changed: Any) -> Path:
    found = {"dims": DIMS, "model_state_dict": Tiny(None).state_dict()} | changed
    torch.save(found, path)
    return path


def test_a_hint_is_given_and_an_echo_of_it_is_known(library: ModuleType, tmp_path: Path) -> None:
    whisper = load_whisper("openai", str(_save(tmp_path / "a.pt")), tmp_path, "en", "Where is it?")
    assert whisper.draft(np.zeros(16_000, np.float32)) == Draft("Where is it?", 0.1, -0.3, 1.0, echo=True)


def test_a_checkpoint_is_loaded_by_path_and_by_name(library: ModuleType, tmp_path: Path) -> None:
    path = _save(tmp_path / "tiny.en.pt")
    for model in (str(path), "tiny.en"):
        whisper = load_whisper("openai", model, tmp_path)
        assert whisper.draft(np.zeros(16_000, np.float32)) == Draft("en", 0.1, -0.3, 1.0)


@pytest.mark.parametrize(("sure", "searches"), [(-0.3, [None]), (-0.7, [None, 5]), (-1.2, [None])])
def test_in_doubt_it_searches_more_widely_and_what_is_not_clear_at_all_stays_so(
    library: Any, tmp_path: Path, sure: float, searches: list[int | None]
) -> None:
    made = []

    def decode(model: Any, sound: torch.Tensor, options: Any) -> SimpleNamespace:
        made.append(options.beam_size)
        logprob = sure if options.beam_size is None else -0.4
        return SimpleNamespace(text="one", no_speech_prob=0.1, avg_logprob=logprob, compression_ratio=1.0)

    library.decode = decode
    draft = load_whisper("openai", str(_save(tmp_path / "a.pt")), tmp_path).draft(np.zeros(9, np.float32))
    assert made == searches
    assert draft.logprob == (sure if len(searches) == 1 else -0.4)


class Evil:
    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.mkdir, ("pwned",)


def test_a_checkpoint_that_would_run_something_is_refused(
    library: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = _save(tmp_path / "evil.pt", extra=Evil())
    with pytest.raises(WeightsError, match="safe to load"):
        load_whisper("openai", str(path), tmp_path)
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"dims": {**DIMS, "n_audio_layer": 10**9}}, "n_audio_layer = 1000000000"),
        ({"dims": {**DIMS, "n_mels": True}}, "n_mels = True"),
        ({"dims": {"n_mels": 80}}, "how large"),
        ({"dims": [1]}, "how large"),
        ({"model_state_dict": {"layer.weight": torch.zeros(3)}}, "damaged"),
        ({"model_state_dict": 3}, "damaged"),
    ],
)
def test_a_checkpoint_of_something_else_is_refused(
    library: ModuleType, tmp_path: Path, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(WeightsError, match=message):
        load_whisper("openai", str(_save(tmp_path / "a.pt", **changed)), tmp_path)


@pytest.mark.parametrize("data", [b"", b"nothing", b"PK\x03\x04" + bytes(40), b"\x80\x04."])
def test_a_damaged_file_is_refused(library: ModuleType, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.pt").write_bytes(data)
    with pytest.raises(WeightsError, match="Download it again"):
        load_whisper("openai", str(tmp_path / "a.pt"), tmp_path)


def test_a_list_is_no_checkpoint(library: ModuleType, tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "a.pt")
    with pytest.raises(WeightsError, match="not a checkpoint"):
        load_whisper("openai", str(tmp_path / "a.pt"), tmp_path)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("tiny.en", r"Download it there once: python -c"),
        ("tinny", "Choose one of tiny.en, base"),
        ("none/a.pt", "Check the path"),
    ],
)
def test_what_is_not_there_is_not_downloaded(
    library: ModuleType, tmp_path: Path, model: str, message: str
) -> None:
    with pytest.raises(WeightsError, match=message):
        load_whisper("openai", model, tmp_path)


def test_a_language_that_whisper_does_not_know_is_said(library: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'xx'.*voice\.language"):
        load_whisper("openai", str(_save(tmp_path / "a.pt")), tmp_path, "xx")


def test_faster_whisper_is_asked_for_local_files_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Model:
        def __init__(self, name: str, **asked: Any) -> None:
            assert asked["local_files_only"] and asked["download_root"] == str(tmp_path)
            if name != "tiny.en":
                raise ValueError("no such model")

        def transcribe(self, samples: Any, **asked: Any) -> tuple[Any, None]:
            assert asked["beam_size"] == 1 and asked["language"] == "en"
            assert asked["initial_prompt"] in (None, "Say one two now")
            piece = {"no_speech_prob": 0.2, "avg_logprob": -0.5, "compression_ratio": 1.1}
            return iter([SimpleNamespace(text=" one", **piece), SimpleNamespace(text=" two", **piece)]), None

    library = ModuleType("faster_whisper")
    library.WhisperModel = Model  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "faster_whisper", library)
    draft = load_whisper("faster", "tiny.en", tmp_path).draft(np.zeros(10, np.float32))
    assert (draft.text, draft.no_speech, draft.compression, draft.echo) == ("one two", 0.2, 1.1, False)
    hinted = load_whisper("faster", "tiny.en", tmp_path, hint="Say one two now")
    assert hinted.draft(np.zeros(10, np.float32)).echo
    with pytest.raises(WeightsError, match="Download it there once"):
        load_whisper("faster", "base", tmp_path)


def test_faster_whisper_that_is_not_installed_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(MissingDependencyError, match=r"pip install faster-whisper.*voice\.engine"):
        load_whisper("faster", "tiny.en", tmp_path)


def test_no_pieces_are_no_speech() -> None:
    assert join_drafts([]) == Draft("", 1.0, -math.inf, 0.0)


def test_the_real_class_is_filled_from_a_file(tmp_path: Path) -> None:
    whisper: Any = pytest.importorskip("whisper")
    model = whisper.model.Whisper(whisper.model.ModelDimensions(**DIMS))
    path = tmp_path / "random.pt"
    torch.save({"dims": DIMS, "model_state_dict": model.state_dict()}, path)
    loaded = OpenAIWhisper(str(path), tmp_path, "en")
    for name, tensor in loaded._model.state_dict().items():
        assert torch.equal(tensor, model.state_dict()[name])
