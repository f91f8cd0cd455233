"""Every chat family does what a plain call of transformers does, and keeps to the common interface."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_families
import torch
from PIL import Image
from tiny_models import QUESTIONS, photo
from torch import nn

from models.chat_model import ChatModel
from models.inside.attention import attention_maps, teacher_forced_with_maps
from models.registry import load_model
from models.token_pruning import WAYS, Pruning, Rule, drop_cells

FAMILIES = [
    "fast_vlm",
    "gemma3",
    "internvl",
    "lfm2_vl",
    "llava_onevision",
    "mllama",
    "paligemma",
    "qwen2_5_vl",
    "qwen3_vl",
]
ANSWERS = ["red", "on the table", "x"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One checkpoint of each family in the hub's layout."""
    root = tmp_path_factory.mktemp("hub")
    for family in FAMILIES:
        (root / family).mkdir()
        getattr(tiny_families, f"save_{family}")(root / family)
    return root


@pytest.fixture(scope="module", params=FAMILIES)
def vlm(folders: Path, request: pytest.FixtureRequest) -> ChatModel:
    made = load_model(str(folders / str(request.param)), vision_tokens=20)
    assert isinstance(made, ChatModel)
    return made


def plain_inputs(vlm: ChatModel, picture: Image.Image, question: str, answer: str = "") -> dict[str, Any]:
    """What the family's own processor makes of a picture in the shape that we see it in."""
    square = picture if vlm._side is None else picture.resize((vlm._side, vlm._side))
    processor, options = vlm.processor, vlm._picture_options()
    if vlm.family == "paligemma":
        suffix = {"suffix": [answer]} if answer else {}
        read = processor(text=[f"<image>answer en {question}"], images=[square], **suffix)
        return {name: torch.as_tensor(np.array(value)) for name, value in read.items() if name != "labels"}
    chat = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": question}]}]
    text = processor.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
    if answer:
        text += answer + str(vlm.tokenizer.convert_ids_to_tokens(vlm._end_id or 0))
    made: dict[str, Any] = {"return_tensors": "pt", "add_special_tokens": False}
    if vlm.family == "lfm2_vl":  # its image processor is not here
        text = text.replace("<image>", vlm._picture_text())
        pictures = vlm.image_processor([square], return_tensors="pt", **options)
        return {**vlm.tokenizer(text, **made), **pictures}
    if vlm.family == "llava_onevision":  # a second picture keeps the first from being cut
        pictures = vlm.image_processor([[square, square]], return_tensors="pt")
        one = {name: pictures[name][:1] for name in ("pixel_values", "image_sizes")}
        text = text.replace("<image>", "<image>" * 17)
        return {**vlm.tokenizer(text, **made), **one, "batch_num_images": torch.tensor([2])}
    return dict(processor(text=[text], images=[square], **made, **options))


@torch.no_grad()
def test_first_logits_are_those_of_a_plain_call(vlm: ChatModel) -> None:
    pictures = [photo(index) for index in range(3)]
    together = vlm.begin(vlm.encode_images(pictures), QUESTIONS).first()
    for picture, question, row in zip(pictures, QUESTIONS, together, strict=True):
        plain = vlm.module(**plain_inputs(vlm, picture, question)).logits[0, -1]
        alone = vlm.begin(vlm.encode_images([picture]), [question]).first()[0]
        torch.testing.assert_close(alone, plain, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(row, plain, rtol=1e-4, atol=1e-4)
    assert (together[0] - together[1]).abs().max() > 0.1


def test_answers_are_those_of_generate(vlm: ChatModel) -> None:
    module: Any = vlm.module
    vision = vlm.encode_images([photo(index) for index in range(3)])
    together = vlm.answer_many(vision, QUESTIONS, 8)
    for index, question in enumerate(QUESTIONS):
        inputs = plain_inputs(vlm, photo(index), question)
        ids = module.generate(**inputs, max_new_tokens=8, do_sample=False)[0]
        expected = tuple(ids[inputs["input_ids"].shape[1] :].tolist())
        assert vlm.answer(photo(index), question, 8).token_ids == expected == together[index].token_ids


@torch.no_grad()
def test_known_answers_get_the_likelihoods_of_a_plain_call(vlm: ChatModel) -> None:
    vision = vlm.encode_images([photo(index) for index in range(3)])
    forced = vlm.teacher_forced(vision, QUESTIONS, ANSWERS)
    for index, (question, answer) in enumerate(zip(QUESTIONS, ANSWERS, strict=True)):
        inputs = plain_inputs(vlm, photo(index), question, answer)
        plain = vlm.module(**inputs).logits[0, :-1]
        told = forced.labels[index] != -100
        count = int(told.sum())
        assert inputs["input_ids"][0, -count:].tolist() == forced.labels[index][told].tolist()
        torch.testing.assert_close(forced.logits[index][told], plain[-count:], rtol=1e-4, atol=1e-4)
    assert forced.txt.sum(1).tolist() == [len(question) for question in QUESTIONS]
    assert forced.ans.sum(1).tolist() == [len(answer) + 1 for answer in ANSWERS]
    assert forced.vis.sum(1).tolist() == [vision.total] * 3


def test_maps_are_the_models_own_and_the_first_layers_is_ours(vlm: ChatModel) -> None:
    module: Any = vlm.module
    vision = vlm.encode_images([photo()])
    before = {name: getattr(module.config, name)._attn_implementation for name in module.config.sub_configs}
    forced = teacher_forced_with_maps(vlm, vision, QUESTIONS[0], ANSWERS[0])
    after = {name: getattr(module.config, name)._attn_implementation for name in module.config.sub_configs}
    assert before == after
    fused = vlm.teacher_forced(vision, QUESTIONS[:1], ANSWERS[:1])
    torch.testing.assert_close(forced.logits, fused.logits, rtol=1e-3, atol=1e-3)
    for layer in forced.attentions:
        torch.testing.assert_close(layer.sum(-1), torch.ones_like(layer.sum(-1)))
    for words in ("answer", "question"):
        maps = attention_maps(forced, vision, words)
        assert maps is not None and maps.cells.shape[2:] == (vision.rows, vision.cols)
        assert 0 < float(maps.mass.min()) <= float(maps.mass.max()) < 1 + 1e-5
    first = vlm.first_layer_attention(vision, QUESTIONS[:1])
    theirs = forced.attentions[0][0].mean(0)[forced.txt[0]][:, forced.vis[0]]
    torch.testing.assert_close(first.rows[0][first.words[0]], theirs)


@pytest.mark.parametrize("by", WAYS)
def test_some_vision_tokens_are_enough(vlm: ChatModel, by: str) -> None:
    vision = vlm.encode_images([photo(0), photo(1), photo(2)])
    with vlm.pruned_by(Pruning(Rule(share=1.0), by=by, merge=False)):  # type: ignore[arg-type]
        whole = vlm.teacher_forced(vision, QUESTIONS, ANSWERS)
    bare = vlm.teacher_forced(vision, QUESTIONS, ANSWERS)
    torch.testing.assert_close(whole.logits, bare.logits, rtol=1e-4, atol=1e-4)


def test_an_adapter_learns_in_the_language_model_alone(vlm: ChatModel) -> None:
    modules = dict(vlm.module.named_modules())
    targets = vlm.lora_targets()
    assert targets and all(isinstance(modules[name], nn.Linear) for name in targets)
    assert all(name.startswith("model.language_model.") for name in targets)


@torch.no_grad()
def test_without_tokens_it_is_as_if_it_may_not_see_them(vlm: ChatModel) -> None:
    if vlm.family in ("gemma3", "lfm2_vl", "mllama", "paligemma"):
        pytest.skip("windows and convolutions count tokens; cross-attention has no mask for each")
    vision = vlm.encode_images([photo(index) for index in range(3)])
    cells = torch.arange(vision.total).expand(3, -1)[:, 1::2]
    part = drop_cells(vision, cells)
    pruned = vlm.teacher_forced(part, QUESTIONS, ANSWERS)
    read = vlm._sequences(vision, QUESTIONS, ANSWERS)
    ids, mask = read.padded(vlm._pad_id)
    for row in range(3):
        mask[row, (ids[row] == vlm._image_id).nonzero().squeeze(1)[::2]] = 0
    inputs = {**vlm._inputs(ids, vision, read.answers), "position_ids": vlm._positions(read)}
    logits, labels = read.answer_part(vlm.module(**inputs, attention_mask=mask).logits, ids, -100)
    told = labels != -100
    torch.testing.assert_close(pruned.logits[told], logits[told], rtol=1e-3, atol=1e-3)
