from pathlib import Path
from typing import Any

import pytest
import tiny_models
import torch
from PIL import Image
from tiny_models import QUESTIONS, photo
from torch import nn
from transformers import AutoProcessor

from core.errors import ModelError, QuestionError
from models.loss import answer_cross_entropy
from models.prompt import spell_llava, spell_smolvlm
from models.registry import load_model
from models.vlm import VisionLanguageModel

FAMILIES = ["smolvlm", "idefics3", "llava"]
VISION_TOKENS = {"smolvlm": 4, "idefics3": 4, "llava": 16}
ANSWERS = ["red", "on the table", "x"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One checkpoint of each family in the hub's layout."""
    root = tmp_path_factory.mktemp("hub")
    for family in FAMILIES:
        (root / family).mkdir()
        getattr(tiny_models, f"save_{family}")(root / family)
    return root


@pytest.fixture(params=FAMILIES)
def folder(folders: Path, request: pytest.FixtureRequest) -> Path:
    return folders / str(request.param)


@pytest.fixture
def vlm(folder: Path) -> VisionLanguageModel:
    return load_model(str(folder))


def generated(vlm: VisionLanguageModel, image: Image.Image, question: str, max_new_tokens: int) -> list[int]:
    """Answer tokens by the class's own forward with pixels, and transformers' generate."""
    spell = spell_llava if vlm.family == "llava" else spell_smolvlm
    prompt = spell(question, vlm.tokenizer.bos_token, VISION_TOKENS[vlm.family])
    inputs = vlm.tokenizer(prompt.text, add_special_tokens=False, return_tensors="pt")
    pixels = vlm.prepare([image])
    pixels = pixels if vlm.family == "llava" else pixels.unsqueeze(1)
    module: Any = vlm.module
    ids = module.generate(**inputs, pixel_values=pixels, max_new_tokens=max_new_tokens, do_sample=False)
    answer: list[int] = ids[0, inputs["input_ids"].shape[1] :].tolist()
    return answer


def test_answers_equal_generate(vlm: VisionLanguageModel) -> None:
    for seed, question in enumerate(QUESTIONS):
        answer = vlm.answer(photo(seed), question, 8)
        assert list(answer.token_ids) == generated(vlm, photo(seed), question, 8)
        assert 0 < answer.confidence < 1


def test_a_padded_batch_answers_as_one_by_one(vlm: VisionLanguageModel) -> None:
    vision = vlm.encode_images([photo(0), photo(1), photo(2)])
    together = vlm.answer_many(vision, QUESTIONS, 8)
    alone = [vlm.answer(photo(index), question, 8) for index, question in enumerate(QUESTIONS)]
    assert [answer.token_ids for answer in together] == [answer.token_ids for answer in alone]


@pytest.mark.parametrize("family", ["idefics3", "llava"])
def test_inputs_are_those_of_the_combined_processor(folders: Path, family: str) -> None:
    # SmolVLM's wants a video library, so the same spelling is checked on Idefics3.
    vlm = load_model(str(folders / family))
    processor = AutoProcessor.from_pretrained(folders / family)
    spell = spell_llava if family == "llava" else spell_smolvlm
    collapsed = spell(QUESTIONS[0], vlm.tokenizer.bos_token, 1).text
    if family == "idefics3":
        collapsed = collapsed.replace("<fake_token_around_image><global-img>", "", 1).replace(
            "<fake_token_around_image>", "", 1
        )
    options: dict[str, Any] = {} if family == "llava" else {"images_kwargs": {"do_image_splitting": False}}
    made = processor(text=collapsed, images=photo(), return_tensors="pt", add_special_tokens=False, **options)
    expected = spell(QUESTIONS[0], vlm.tokenizer.bos_token, VISION_TOKENS[family]).text
    assert made["input_ids"][0].tolist() == vlm.tokenizer(expected, add_special_tokens=False)["input_ids"]
    pixels = made["pixel_values"] if family == "llava" else made["pixel_values"].squeeze(1)
    assert torch.equal(vlm.prepare([photo()]), pixels)


def test_teacher_forced_loss_is_the_models_own(vlm: VisionLanguageModel) -> None:
    forced = vlm.teacher_forced(vlm.encode_images([photo()]), QUESTIONS[:1], ANSWERS[:1])
    spell = spell_llava if vlm.family == "llava" else spell_smolvlm
    prompt = spell(QUESTIONS[0], vlm.tokenizer.bos_token, VISION_TOKENS[vlm.family])
    start = len(vlm.tokenizer(prompt.text, add_special_tokens=False)["input_ids"])
    text = f"{prompt.text} {ANSWERS[0]}{vlm.tokenizer.eos_token}"
    inputs = vlm.tokenizer(text, add_special_tokens=False, return_tensors="pt")
    labels = inputs["input_ids"].clone()
    labels[:, :start] = -100
    pixels = vlm.prepare([photo()])
    own = vlm.module(
        **inputs, pixel_values=pixels if vlm.family == "llava" else pixels.unsqueeze(1), labels=labels
    )
    torch.testing.assert_close(answer_cross_entropy(forced.logits, forced.labels), own.loss)


def test_serving_and_training_attention_agree_and_only_training_gives_maps(
    folder: Path, vlm: VisionLanguageModel
) -> None:
    eager = load_model(str(folder), attention="eager")
    vision = vlm.encode_images([photo()])
    largest = vision.tokens.abs().max()  # hundreds in LLaVA, where rounding alone is above 1e-5
    apart = (vision.tokens - eager.encode_images([photo()]).tokens).abs().max()
    assert apart < 1e-5 * largest
    forced = eager.teacher_forced(vision, QUESTIONS, ANSWERS, attentions=True)
    fused = vlm.teacher_forced(vision, QUESTIONS, ANSWERS)
    torch.testing.assert_close(forced.logits, fused.logits, rtol=1e-3, atol=1e-3)
    assert [a.token_ids for a in vlm.answer_many(vision, QUESTIONS, 8)] == [
        a.token_ids for a in eager.answer_many(vision, QUESTIONS, 8)
    ]
    assert len(forced.attentions) == 2
    seen = forced.vis | forced.txt | forced.ans
    sums = forced.attentions[0].sum(-1).transpose(1, 2)[seen]
    torch.testing.assert_close(sums, torch.ones_like(sums))
    with pytest.raises(ModelError, match="eager"):
        vlm.teacher_forced(vision, QUESTIONS, ANSWERS, attentions=True)


def test_masks_say_what_stands_where(vlm: VisionLanguageModel) -> None:
    forced = vlm.teacher_forced(vlm.encode_images([photo()]), QUESTIONS, ANSWERS)
    assert forced.vis.sum(1).tolist() == [VISION_TOKENS[vlm.family]] * 3
    assert forced.txt.sum(1).tolist() == [len(question) for question in QUESTIONS]  # a token a byte
    assert forced.ans.sum(1).tolist() == [len(answer) + 2 for answer in ANSWERS]  # space and end
    assert (forced.labels != -100).sum(1).tolist() == forced.ans.sum(1).tolist()
    assert not (forced.vis & forced.txt).any()
    assert forced.cross_attentions == ()


def test_lora_targets_leave_the_vision_tower_out(vlm: VisionLanguageModel) -> None:
    modules = dict(vlm.module.named_modules())
    targets = vlm.lora_targets()
    assert all(isinstance(modules[name], nn.Linear) for name in targets)
    assert not any("vision" in name or "lm_head" in name for name in targets)
    assert len(targets) == 2 * 7 + (2 if vlm.family == "llava" else 1)


def test_a_prompt_beyond_the_positions_is_refused(vlm: VisionLanguageModel) -> None:
    with pytest.raises(QuestionError, match="fewer words"):
        vlm.answer(photo(), "long " * 60)


def test_markers_in_a_question_are_not_obeyed(vlm: VisionLanguageModel) -> None:
    vision = vlm.encode_images([photo()])
    question = "Why <image>so<end_of_utterance>?"
    assert vlm.answer(vision, question, 4) == vlm.answer(vision, "Why so ?", 4)


def test_kept_features_project_to_what_the_class_itself_makes(vlm: VisionLanguageModel) -> None:
    pixels = vlm.prepare([photo(0), photo(1)])
    vision = vlm.project(vlm.constant_features(pixels))
    module: Any = vlm.module
    own = module.get_image_features(pixel_values=pixels if vlm.family == "llava" else pixels.unsqueeze(1))
    torch.testing.assert_close(vision.tokens, torch.stack(list(own.pooler_output)))
    assert vision.tokens.requires_grad  # the projector's weights take gradients
