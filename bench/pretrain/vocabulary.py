"""The tokenizer that student and expert share: names and wordings whole, anything else in pieces."""

from importlib.resources import files
from pathlib import Path

from transformers import PreTrainedTokenizerFast

from bench.pretrain.common.names import CATEGORIES, COLOURS, MATERIALS, PATTERNS
from bench.pretrain.tokenizer import read_tokenizer, train_tokenizer
from bench.rooms.world.wordings import TRAINING, plural
from core.files import atomic_write_text, storage_errors

FILE = "tokenizer.json"
_OFTEN, _SOMETIMES = 400, 40


def shared_tokenizer(data: Path, vocab_size: int) -> PreTrainedTokenizerFast:
    """The tokenizer kept beside the rooms; made at first use, so that both models get the same."""
    path = data / FILE
    if not path.is_file():
        atomic_write_text(path, definition(train_tokenizer(texts(), vocab_size)))
    return stored_tokenizer(path)


def stored_tokenizer(path: Path) -> PreTrainedTokenizerFast:
    """Read one back. Raises StorageError."""
    with storage_errors("read", path):
        return read_tokenizer(path.read_text(encoding="utf-8"))


def definition(tokenizer: PreTrainedTokenizerFast) -> str:
    """What `stored_tokenizer` reads."""
    return str(tokenizer.backend_tokenizer.to_str())


def texts() -> list[str]:
    """What words are learnt from: the more often, the surer a word becomes a single token."""
    names = [*CATEGORIES, *COLOURS, *MATERIALS, *PATTERNS]
    wordings = [text for group in TRAINING.values() for text in group]
    ordinary = files("bench.pretrain").joinpath("words.txt").read_text(encoding="utf-8").split()
    # Spoken of in the plural only where things can be counted.
    plurals = [plural(name) for name in CATEGORIES]
    return [*names * _OFTEN, *plurals * _OFTEN, *wordings * _OFTEN, *ordinary * _SOMETIMES]
