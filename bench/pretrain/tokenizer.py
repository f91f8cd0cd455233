"""The built-in pair's own tokenizer: small, learnt from the questions, able to spell any word.

Byte-level byte-pair encoding over lower-cased text. Every byte is in the vocabulary, so there is no
closed list of answers and no unknown word; frequent words become one token. The first ids are BART's,
which the Florence-2 classes take for granted.
"""

from collections.abc import Iterable

from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors, trainers
from tokenizers.models import BPE
from transformers import PreTrainedTokenizerFast

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


def read_tokenizer(definition: str) -> PreTrainedTokenizerFast:
    """The tokenizer whose definition (the text of its tokenizer.json) this is."""
    return _wrap(Tokenizer.from_str(definition))


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
