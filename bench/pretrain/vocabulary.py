"""The tokenizer that student and expert share: names and wordings whole, anything else in pieces."""

from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors, trainers
from tokenizers.models import BPE
from transformers import PreTrainedTokenizerFast

from bench.pretrain.common.names import CATEGORIES, COLOURS, MATERIALS, PATTERNS
from bench.rooms.world.wordings import TRAINING, plural
from core.files import atomic_write_text, storage_errors

SPECIAL_TOKENS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>", "<image>")
"""In the order of their ids, 0 to 5."""

SMALLEST_VOCABULARY = 256 + len(SPECIAL_TOKENS)
"""All bytes and the special tokens: what any vocabulary holds before the first merge."""


def train_tokenizer(texts: Iterable[str], vocab_size: int) -> PreTrainedTokenizerFast:
    """Learn a vocabulary of at most `vocab_size` tokens; it is smaller when the texts have fewer words.

    The same texts give the same tokenizer. Text is put into Unicode form C and lower case, nothing
    else is lost: decoding an encoded text gives it back up to its leading space.
    Raises ValueError when the vocabulary cannot hold all bytes.
    """
    if vocab_size < SMALLEST_VOCABULARY:
        raise ValueError(f"vocab_size {vocab_size} is below {SMALLEST_VOCABULARY}: all bytes must fit")
    tokenizer = Tokenizer(BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    # The leading space makes "sofa" as an answer the very token that " sofa" is inside a question.
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return _wrap(tokenizer)


def _wrap(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        mask_token="<mask>",
        # A named extra token: the Florence-2 processor reads `tokenizer.image_token`.
        extra_special_tokens={"image_token": "<image>"},
        clean_up_tokenization_spaces=False,
        padding_side="right",
    )


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
        return _wrap(Tokenizer.from_str(path.read_text(encoding="utf-8")))


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
