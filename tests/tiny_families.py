"""Tiny random models of transformers' chat families, saved as the hub has them."""

import json
from pathlib import Path
from typing import Any

import torch
from tiny_models import shaken
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from transformers import (
    AutoModelForImageTextToText,
    PreTrainedTokenizerFast,
)
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.image_processing_auto import get_image_processor_class_from_name

_CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}PICTURE{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_GEMMA = (
    "{{ bos_token }}{% for message in messages %}<start_of_turn>"
    "{{ 'model' if message['role'] == 'assistant' else message['role'] }}\n"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<start_of_image>{% else %}{{ part['text'] | trim }}{% endif %}"
    "{% endfor %}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
_LLAMA = (
    "{{ bos_token }}{% for message in messages %}"
    "<|start_header_id|>{{ message['role'] }}<|end_header_id|>\n\n"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|image|>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
_UNTIED = {"tie_word_embeddings": False}  # else a random model repeats what it read last
_SQUARE = {"height": 32, "width": 32}
_TOWER: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 32,
    "patch_size": 8,
}


def _tokenizer(*special: str, eos: str = "<|im_end|>", **named: str) -> PreTrainedTokenizerFast:
    """Bytes and no merges, with a family's special tokens; `named` ones become attributes."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(BPE(vocab={byte: index for index, byte in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<bos>",
        eos_token=eos,
        pad_token="<pad>",
        extra_special_tokens=named or None,
        clean_up_tokenization_spaces=False,
    )
    fast.add_tokens([token for token in special if token not in fast.get_vocab()], special_tokens=True)
    return fast


def _text(tokenizer: Any, **more: Any) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 1024,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        **more,
    }


def _save(
    folder: Path,
    kind: str,
    config: dict[str, Any],
    tokenizer: Any,
    image_processor: tuple[str, dict[str, Any]],
    processor: tuple[str, dict[str, Any]],
    template: str | None,
) -> None:
    torch.manual_seed(0)
    made = CONFIG_MAPPING[kind](**config)
    model = shaken(AutoModelForImageTextToText.from_config(made))
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(folder)
    if template is not None:
        (folder / "chat_template.jinja").write_text(template)
    tokenizer.save_pretrained(folder)
    name, options = image_processor
    get_image_processor_class_from_name(name)(**options).save_pretrained(folder)
    (folder / "processor_config.json").write_text(
        json.dumps({"processor_class": processor[0], **processor[1]})
    )


def save_qwen2_5_vl(folder: Path) -> None:
    """Windows in the tower, M-RoPE in the language model."""
    tokenizer = _tokenizer(*_QWEN, "<|im_start|>")
    vision = {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_heads": 2,
        "patch_size": 4,
        "out_hidden_size": 32,
        "window_size": 16,
        "fullatt_block_indexes": [1],
    }
    rope = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}
    _save_qwen(folder, "qwen2_5_vl", tokenizer, vision, _text(tokenizer, rope_parameters=rope), 4)


_QWEN = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")


def _save_qwen(
    folder: Path, kind: str, tokenizer: Any, vision: dict[str, Any], text: dict[str, Any], patch: int
) -> None:
    ids = dict(zip(_QWEN, tokenizer.convert_tokens_to_ids(list(_QWEN)), strict=True))
    config = {
        "vision_config": vision,
        "text_config": text,
        "image_token_id": ids["<|image_pad|>"],
        "video_token_id": ids["<|video_pad|>"],
        "vision_start_token_id": ids["<|vision_start|>"],
        "vision_end_token_id": ids["<|vision_end|>"],
    }
    pictures = {"patch_size": patch, "min_pixels": 64, "max_pixels": 4096}
    name = "Qwen2_5_VLProcessor" if kind == "qwen2_5_vl" else "Qwen3VLProcessor"
    picture = "<|vision_start|><|image_pad|><|vision_end|>"
    _save(
        folder, kind, config, tokenizer, ("Qwen2VLImageProcessorPil", pictures), (name, {}),
        _CHATML.replace("PICTURE", picture),
    )  # fmt: skip


def save_qwen3_vl(folder: Path) -> None:
    """Features of the tower's first layer are added in the language model's first layer."""
    tokenizer = _tokenizer(*_QWEN, "<|im_start|>")
    vision = {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_heads": 2,
        "patch_size": 4,
        "out_hidden_size": 32,
        "num_position_embeddings": 64,
        "deepstack_visual_indexes": [0],
    }
    rope = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}
    text = _text(tokenizer, rope_parameters=rope, head_dim=8)
    _save_qwen(folder, "qwen3_vl", tokenizer, vision, text, 4)


def save_llava_onevision(folder: Path) -> None:
    """Tiles of a picture, and a token that ends a row."""
    tokenizer = _tokenizer("<image>", "<video>", "<|im_start|>")
    config = {
        "vision_config": {"model_type": "siglip_vision_model", **_TOWER, "vision_use_head": False},
        "text_config": {"model_type": "qwen2", **_text(tokenizer)},
        "image_token_index": tokenizer.convert_tokens_to_ids("<image>"),
        "video_token_index": tokenizer.convert_tokens_to_ids("<video>"),
        "image_grid_pinpoints": [[32, 32], [32, 64], [64, 32]],
        "vision_feature_select_strategy": "full",
        "vision_feature_layer": -1,
    }
    pictures = {"size": _SQUARE, "image_grid_pinpoints": config["image_grid_pinpoints"]}
    processor = {"num_image_tokens": 16, "vision_feature_select_strategy": "full"}
    _save(
        folder, "llava_onevision", config, tokenizer, ("LlavaOnevisionImageProcessorPil", pictures),
        ("LlavaOnevisionProcessor", processor), _CHATML.replace("PICTURE", "<image>\n"),
    )  # fmt: skip


def save_internvl(folder: Path) -> None:
    """Pixels are shuffled into a quarter of the tokens."""
    tokenizer = _tokenizer(
        "<|im_start|>",
        start_image_token="<img>",
        end_image_token="</img>",
        context_image_token="<IMG_CONTEXT>",
        video_token="<video>",
    )
    config = {
        "vision_config": {**_TOWER, "use_mean_pooling": True},
        "text_config": {"model_type": "qwen2", **_text(tokenizer)},
        "image_token_id": tokenizer.convert_tokens_to_ids("<IMG_CONTEXT>"),
        "image_seq_length": 4,
    }
    _save(
        folder, "internvl", config, tokenizer, ("GotOcr2ImageProcessorPil", {"size": _SQUARE}),
        ("InternVLProcessor", {"image_seq_length": 4}), _CHATML.replace("PICTURE", "<IMG_CONTEXT>\n"),
    )  # fmt: skip


def save_gemma3(folder: Path) -> None:
    """A picture's tokens see each other; layers with and without a sliding window."""
    tokenizer = _tokenizer(
        "<start_of_turn>", "<end_of_turn>", eos="<eos>",
        boi_token="<start_of_image>", eoi_token="<end_of_image>", image_token="<image_soft_token>",
    )  # fmt: skip
    text = _text(
        tokenizer,
        head_dim=8,
        sliding_window=56,
        layer_types=["sliding_attention", "full_attention"],
        **_UNTIED,
    )
    config = {
        **_UNTIED,
        "vision_config": {**_TOWER, "vision_use_head": False},
        "text_config": text,
        "mm_tokens_per_image": 4,
        "boi_token_index": tokenizer.convert_tokens_to_ids("<start_of_image>"),
        "eoi_token_index": tokenizer.convert_tokens_to_ids("<end_of_image>"),
        "image_token_index": tokenizer.convert_tokens_to_ids("<image_soft_token>"),
    }
    _save(
        folder, "gemma3", config, tokenizer, ("Gemma3ImageProcessorPil", {"size": _SQUARE}),
        ("Gemma3Processor", {"image_seq_length": 4}), _GEMMA,
    )  # fmt: skip
    generation = json.loads((folder / "generation_config.json").read_text())
    generation["eos_token_id"] = tokenizer.convert_tokens_to_ids(["<eos>", "<end_of_turn>"])
    (folder / "generation_config.json").write_text(json.dumps(generation))


def save_paligemma(folder: Path) -> None:
    """No chat template; picture and prompt see each other, the answer what is before it."""
    tokenizer = _tokenizer("<image>", eos="<eos>")
    tokenizer.add_tokens([f"<loc{place:04}>" for place in range(1024)])
    tokenizer.add_tokens([f"<seg{place:03}>" for place in range(128)])
    text = {"model_type": "gemma2", "head_dim": 8, "sliding_window": 64, **_text(tokenizer, **_UNTIED)}
    config = {
        **_UNTIED,
        "vision_config": {**_TOWER, "vision_use_head": False, "projection_dim": 32},
        "text_config": text,
        "image_token_index": tokenizer.convert_tokens_to_ids("<image>"),
        "projection_dim": 32,
        "hidden_size": 32,
    }
    pictures = {"size": _SQUARE, "image_seq_length": 16}
    _save(
        folder, "paligemma", config, tokenizer, ("SiglipImageProcessorPil", pictures),
        ("PaliGemmaProcessor", {}), None,
    )  # fmt: skip


def save_lfm2_vl(folder: Path) -> None:
    """Convolutions between the attention layers of its language model."""
    tokenizer = _tokenizer(
        "<|im_start|>", image_token="<image>", image_start_token="<|image_start|>",
        image_end_token="<|image_end|>", image_thumbnail_token="<|img_thumbnail|>",
    )  # fmt: skip
    text = _text(
        tokenizer, layer_types=["conv", "full_attention"], block_auto_adjust_ff_dim=False, conv_L_cache=3
    )
    tower = {**_TOWER, "num_patches": 64, "vision_use_head": False}
    tower.pop("image_size")
    config = {
        "vision_config": tower,
        "text_config": text,
        "image_token_id": tokenizer.convert_tokens_to_ids("<image>"),
        "projector_hidden_size": 32,
        "downsample_factor": 2,
    }
    _save(
        folder, "lfm2_vl", config, tokenizer, ("Siglip2ImageProcessorPil", {"patch_size": 8}),
        ("Lfm2VlProcessor", {}), _CHATML.replace("PICTURE", "<image>"),
    )  # fmt: skip
    pictures = {
        "image_processor_type": "Lfm2VlImageProcessor", "encoder_patch_size": 8, "tile_size": 64,
        "max_image_tokens": 16, "min_image_tokens": 4, "image_mean": [0.5] * 3, "image_std": [0.5] * 3,
    }  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(pictures))


def save_fast_vlm(folder: Path) -> None:
    """A convolutional tower; ours is a ResNet, since the one of the hub needs timm."""
    tokenizer = _tokenizer("<image>", "<|im_start|>")
    tower = {
        "model_type": "resnet", "embedding_size": 8, "hidden_sizes": [8, 32], "depths": [1, 1],
        "layer_type": "basic", "hidden_size": 32,
    }  # fmt: skip
    config = {
        "vision_config": tower,
        "text_config": {"model_type": "qwen2", **_text(tokenizer)},
        "image_token_index": tokenizer.convert_tokens_to_ids("<image>"),
        "image_seq_length": 16,
    }
    pictures = {"size": {"shortest_edge": 32}, "crop_size": _SQUARE}
    processor = {"patch_size": 8, "vision_feature_select_strategy": "full", "num_additional_image_tokens": 0}
    _save(
        folder, "fast_vlm", config, tokenizer, ("CLIPImageProcessorPil", pictures),
        ("LlavaProcessor", processor), _CHATML.replace("PICTURE", "<image>\n"),
    )  # fmt: skip


def save_mllama(folder: Path) -> None:
    """Two layers of three look at the picture by cross-attention."""
    tokenizer = _tokenizer(
        "<|image|>", "<|python_tag|>", "<|start_header_id|>", "<|end_header_id|>", eos="<|eot_id|>"
    )
    vision = {
        "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "num_global_layers": 1,
        "attention_heads": 2, "image_size": 32, "patch_size": 8, "max_num_tiles": 4,
        "intermediate_layers_indices": [0], "vision_output_dim": 64,
        "supported_aspect_ratios": [[1, 1], [1, 2], [1, 3], [1, 4], [2, 1], [2, 2], [3, 1], [4, 1]],
    }  # fmt: skip
    text = _text(tokenizer, cross_attention_layers=[1, 2])
    text["num_hidden_layers"] = 4
    config = {
        "vision_config": vision,
        "text_config": text,
        "image_token_index": tokenizer.convert_tokens_to_ids("<|image|>"),
    }
    _save(
        folder, "mllama", config, tokenizer, ("MllamaImageProcessorPil", {"size": _SQUARE}),
        ("MllamaProcessor", {}), _LLAMA,
    )  # fmt: skip
