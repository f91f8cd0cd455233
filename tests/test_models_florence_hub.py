"""Florence-2 as the hub has it goes through the same code: its file layout, and its real size."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_models import QUESTIONS, TEXTS, TINY, photo, shaken, tiny_florence
from transformers import AutoProcessor, BartConfig, Florence2Config, Florence2ForConditionalGeneration

from bench.pretrain.blueprint import Blueprint, new_model, new_processor
from bench.pretrain.vocabulary import train_tokenizer
from models.florence import Florence
from models.registry import load_model


def save_as_hub(folder: Path) -> None:
    """Files of a checkpoint made with an older transformers: each part of the processor alone."""
    _, processor = tiny_florence()
    model: Any = shaken(new_model(TINY, processor.tokenizer, seed=0))
    text = model.config.text_config
    text.dropout = text.attention_dropout = text.activation_dropout = 0.1
    model.generation_config.forced_bos_token_id = 0
    model.generation_config.num_beams = 3
    model.generation_config.no_repeat_ngram_size = 3
    model.generation_config.early_stopping = True
    model.save_pretrained(folder)
    processor.tokenizer.save_pretrained(folder)
    processor.image_processor.save_pretrained(folder)
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config["tokenizer_class"] = "BartTokenizer"
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    (folder / "processor_config.json").write_text('{"processor_class": "Florence2Processor"}')


def test_a_hub_folder_answers_as_generate_does_greedily(tmp_path: Path) -> None:
    save_as_hub(tmp_path)
    vlm = load_model(str(tmp_path))
    model: Any = Florence2ForConditionalGeneration.from_pretrained(tmp_path)
    processor = AutoProcessor.from_pretrained(tmp_path)
    for seed, question in enumerate(QUESTIONS):
        inputs = processor(text=question, images=photo(seed), return_tensors="pt")
        ids = model.generate(
            **inputs,
            max_new_tokens=9,
            do_sample=False,
            num_beams=1,
            no_repeat_ngram_size=0,
            early_stopping=False,
        )
        assert [2, 0, *vlm.answer(photo(seed), question, 8).token_ids] == ids[0].tolist()


def test_labels_begin_with_the_forced_token(tmp_path: Path) -> None:
    save_as_hub(tmp_path)
    vlm = load_model(str(tmp_path), attention="eager")
    forced = vlm.teacher_forced(vlm.encode_images([photo()]), QUESTIONS[:1], ["red"], attentions=True)
    assert forced.labels[0, 0] == 0 and forced.labels[0, -1] == 2
    rows = forced.cross_attentions[0].sum(-1)
    torch.testing.assert_close(rows, torch.ones_like(rows))  # attention dropout is off


@pytest.mark.slow
def test_base_at_its_real_size() -> None:
    tokenizer = train_tokenizer(TEXTS, vocab_size=300)
    text = BartConfig(
        vocab_size=51_290,
        d_model=768,
        encoder_layers=6,
        decoder_layers=6,
        encoder_attention_heads=12,
        decoder_attention_heads=12,
        encoder_ffn_dim=3072,
        decoder_ffn_dim=3072,
    )
    # The vision part of the class defaults is that of base, but for the width it projects to.
    config = Florence2Config(
        text_config=text.to_dict(), vision_config={"projection_dim": 768}, image_token_id=5
    )
    model: Any = Florence2ForConditionalGeneration(config).eval()
    size = sum(parameter.numel() for parameter in model.parameters())
    assert 0.22e9 < size < 0.28e9
    plan = Blueprint(768, (128, 256, 512, 1024), (1, 1, 9, 1), 768, 6, 6, patch_strides=(4, 2, 2, 2))
    vlm = Florence("base", model, new_processor(plan, tokenizer).image_processor, tokenizer)
    began = time.perf_counter()
    vision = vlm.encode_images([photo(width=640, height=480)])
    encoding = time.perf_counter() - began
    assert (vision.rows, vision.cols, vision.tokens.shape[1]) == (24, 24, 577)
    began = time.perf_counter()
    answers = vlm.answer_many(vision, QUESTIONS[:1], 3)
    answering = time.perf_counter() - began
    assert 0 < answers[0].confidence <= 1
    assert answering < encoding, "asking again must be cheaper than looking again"
    assert len(vlm.lora_targets()) == 6 * 6 + 6 * 10 + 1
