"""Real models, tiny and random, for tests; saved they have the hub's own layout."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from transformers import (
    CLIPVisionConfig,
    Florence2ForConditionalGeneration,
    Florence2Processor,
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3Processor,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    SmolVLMConfig,
    SmolVLMForConditionalGeneration,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
from transformers.models.smolvlm.image_processing_pil_smolvlm import SmolVLMImageProcessorPil

from bench.pretrain.blueprint import Blueprint, new_model, new_processor
from bench.pretrain.vocabulary import train_tokenizer
from models.florence import Florence

TEXTS = ["What colour is the sofa?", "How many chairs are there?", "red", "two", "on the table"]
QUESTIONS = ["What colour is the sofa?", "How many chairs are there next to the table?", "Why?"]

TINY = Blueprint(
    image_size=48,
    vision_dims=(16, 16, 32, 32),
    vision_depths=(1, 1, 1, 1),
    d_model=32,
    encoder_layers=2,
    decoder_layers=2,
    patch_strides=(4, 2, 2, 1),
    window_size=3,
    attention_heads=4,
    max_positions=128,
)
"""Grids of 12, 6, 3 and 3 cells a side: 10 vision tokens."""


def photo(seed: int = 0, width: int = 64, height: int = 40) -> Image.Image:
    """Noise in a few large patches, so that squashing leaves something to see."""
    patches = np.random.default_rng(seed).integers(0, 255, (5, 8, 3), dtype=np.uint8)
    return Image.fromarray(patches).resize((width, height))


def shaken(model: Any, seed: int = 0) -> Any:
    """The model with larger random weights: fresh ones repeat the start token, whatever they are shown."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1:  # a random bias would be all that is heard
                scale = 1.0 if "embed" in name or "shared" in name else 0.5
                parameter.add_(torch.randn(parameter.shape, generator=generator) * scale)
    return model


def tiny_florence(
    attention: str = "sdpa", seed: int = 0
) -> tuple[Florence2ForConditionalGeneration, Florence2Processor]:
    """A shaken Florence-2 of 0.1 M parameters, and its processor."""
    tokenizer = train_tokenizer(TEXTS, vocab_size=300)
    model = shaken(new_model(TINY, tokenizer, seed, attention), seed)
    return model, new_processor(TINY, tokenizer)


def wrapped(model: Florence2ForConditionalGeneration, processor: Florence2Processor) -> Florence:
    """The model behind the interface, without a trip over the disk."""
    return Florence("tiny", model, processor.image_processor, processor.tokenizer)


def save_smolvlm(folder: Path) -> None:
    """SmolVLM as the hub has it: image processor, tokenizer and processor in files of their own."""
    tokenizer = _chat_tokenizer()
    _save_idefics_like(folder, SmolVLMConfig, SmolVLMForConditionalGeneration, tokenizer)
    SmolVLMImageProcessorPil(**_SMOL_PICTURES).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    processor = {"image_seq_len": 4, "processor_class": "SmolVLMProcessor"}
    (folder / "processor_config.json").write_text(json.dumps(processor))


def save_idefics3(folder: Path) -> None:
    """Idefics3 with its combined processor."""
    tokenizer = _chat_tokenizer()
    _save_idefics_like(folder, Idefics3Config, Idefics3ForConditionalGeneration, tokenizer)
    Idefics3Processor(
        Idefics3ImageProcessorPil(**_SMOL_PICTURES), tokenizer, image_seq_len=4
    ).save_pretrained(folder)


def save_llava(folder: Path) -> None:
    """LLaVA over a CLIP tower with a class token, which "default" drops."""
    tokenizer = _chat_tokenizer()
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=32,
            intermediate_size=32,
            num_hidden_layers=3,
            num_attention_heads=2,
            image_size=32,
            patch_size=8,
            projection_dim=32,
        ),
        text_config=_llama(tokenizer),
        image_token_index=tokenizer.get_vocab()["<image>"],
        vision_feature_select_strategy="default",
        vision_feature_layer=-2,
        image_seq_length=16,
    )
    _save(folder, shaken(LlavaForConditionalGeneration(config)), tokenizer)
    square = {"height": 32, "width": 32}
    LlavaProcessor(
        CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=square),
        tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    ).save_pretrained(folder)


_SMOL_PICTURES: dict[str, Any] = {
    "size": {"longest_edge": 64},
    "max_image_size": {"longest_edge": 32},
    "do_image_splitting": True,
}


def _save_idefics_like(folder: Path, config_class: Any, model_class: Any, tokenizer: Any) -> None:
    config = config_class(
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": 32,
            "patch_size": 8,
        },
        text_config=_llama(tokenizer).to_dict(),
        scale_factor=2,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=tokenizer.pad_token_id,
    )
    _save(folder, shaken(model_class(config)), tokenizer)


def _save(folder: Path, model: Any, tokenizer: Any) -> None:
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(folder)


def _llama(tokenizer: Any) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=160,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def _chat_tokenizer() -> PreTrainedTokenizerFast:
    """Bytes and no merges, in mixed case, with the markers that the chats need."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(BPE(vocab={byte: index for index, byte in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|im_start|>",
        eos_token="<end_of_utterance>",
        pad_token="<|im_end|>",
        additional_special_tokens=["<fake_token_around_image>", "<image>", "<global-img>"],
        clean_up_tokenization_spaces=False,
    )
