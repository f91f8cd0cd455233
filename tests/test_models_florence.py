from dataclasses import replace
from typing import Any, TypeAlias

import pytest
import torch
from PIL import Image
from tiny_models import QUESTIONS, TINY, photo, tiny_florence, wrapped
from torch import nn
from transformers import Florence2ForConditionalGeneration, Florence2Processor
from transformers.models.bart.modeling_bart import BartAttention

from bench.pretrain.blueprint import new_model, new_processor
from core.errors import ModelError, QuestionError
from core.text import strip_controls
from models.florence import Florence
from models.loss import answer_cross_entropy

Pair: TypeAlias = tuple[Florence2ForConditionalGeneration, Florence2Processor]
ANSWERS = ["red", "two on the table", "x"]


@pytest.fixture(scope="module")
def plain_pair() -> Pair:
    return tiny_florence()


@pytest.fixture(scope="module")
def vlm(plain_pair: Pair) -> Florence:
    return wrapped(*plain_pair)


@pytest.fixture(scope="module")
def eager() -> Florence:
    return wrapped(*tiny_florence(attention="eager"))


def generated(
    model: Any, processor: Any, image: Image.Image, question: str, max_new_tokens: int
) -> list[int]:
    """Answer tokens by transformers' own way, start tokens left out."""
    inputs = processor(text=question, images=image, return_tensors="pt")
    ids = model.generate(**inputs, max_new_tokens=max_new_tokens, do_sample=False, num_beams=1)
    answer: list[int] = ids[0].tolist()[1:]
    return answer


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("question", QUESTIONS)
def test_answers_equal_generate(seed: int, question: str) -> None:
    model, processor = tiny_florence(seed=seed)
    answer = wrapped(model, processor).answer(photo(seed), question, max_new_tokens=12)
    assert list(answer.token_ids) == generated(model, processor, photo(seed), question, 12)


def test_the_tiny_models_look_at_picture_and_question_and_say_more_than_one_word(vlm: Florence) -> None:
    answers = [vlm.answer(photo(seed), question, 12) for seed in range(2) for question in QUESTIONS]
    assert len({answer.token_ids for answer in answers}) > 3
    assert max(len(set(answer.token_ids)) for answer in answers) > 2


def test_a_forced_first_token_is_read_but_not_part_of_the_answer() -> None:
    # As in the hub's checkpoints.
    model, processor = tiny_florence()
    model.generation_config.forced_bos_token_id = 0
    answer = wrapped(model, processor).answer(photo(), QUESTIONS[0], max_new_tokens=6)
    assert [0, *answer.token_ids] == generated(model, processor, photo(), QUESTIONS[0], 7)


def test_log_probabilities_are_those_of_the_teacher_forced_pass(vlm: Florence, plain_pair: Pair) -> None:
    model, processor = plain_pair
    answer = vlm.answer(photo(), QUESTIONS[0], max_new_tokens=8)
    inputs = processor(text=QUESTIONS[0], images=photo(), return_tensors="pt")
    with torch.no_grad():
        logits = model(**inputs, decoder_input_ids=torch.tensor([[2, *answer.token_ids[:-1]]])).logits
    expected = logits.log_softmax(-1)[0].gather(1, torch.tensor(answer.token_ids).unsqueeze(1))
    torch.testing.assert_close(torch.tensor(answer.token_logprobs), expected.squeeze(1), rtol=1e-4, atol=1e-4)
    assert answer.confidence == pytest.approx(expected.mean().exp().item(), rel=1e-3)


def test_an_image_encoded_once_answers_a_batch_as_one_by_one(vlm: Florence) -> None:
    vision = vlm.encode_images([photo(0), photo(1), photo(2)])
    together = vlm.answer_many(vision, QUESTIONS, 8)
    alone = [vlm.answer(photo(index), question, 8) for index, question in enumerate(QUESTIONS)]
    assert [answer.token_ids for answer in together] == [answer.token_ids for answer in alone]
    for one, other in zip(together, alone, strict=True):
        assert one.confidence == pytest.approx(other.confidence, rel=1e-3)
    shared = vlm.answer_many(vision.select([1]), QUESTIONS, 8)
    assert [answer.token_ids for answer in shared] == [
        vlm.answer(photo(1), question, 8).token_ids for question in QUESTIONS
    ]
    assert vlm.answer_many(vision, [], 8) == []
    with pytest.raises(ValueError, match="2 questions"):
        vlm.answer_many(vision, QUESTIONS[:2], 8)


def test_pixels_are_those_of_the_processor(vlm: Florence, plain_pair: Pair) -> None:
    expected = plain_pair[1](text="a", images=photo(), return_tensors="pt")["pixel_values"]
    assert torch.equal(vlm.prepare([photo()]), expected)


def test_serving_and_training_attention_agree() -> None:
    # In double precision, so that rounding cannot hide a difference.
    logits, answers = [], []
    for attention in ("sdpa", "eager"):
        model, processor = tiny_florence(attention)
        vlm = wrapped(model.double(), processor)
        vision = vlm.encode_images([photo(0), photo(1), photo(2)])
        logits.append(vlm.teacher_forced(vision, QUESTIONS, ANSWERS).logits)
        answers.append([answer.token_ids for answer in vlm.answer_many(vision, QUESTIONS, 12)])
    torch.testing.assert_close(logits[0], logits[1], rtol=1e-9, atol=1e-9)
    assert answers[0] == answers[1]


def test_maps_of_every_layer_whose_rows_sum_to_one_also_in_training(eager: Florence) -> None:
    # The hub's checkpoints have dropout; maps are returned after it.
    processor = new_processor(TINY, eager.tokenizer)
    model = new_model(replace(TINY, dropout=0.1), eager.tokenizer, 0, attention="eager")
    for part in model.modules():
        if isinstance(part, BartAttention):
            part.dropout = 0.5
    vlm = wrapped(model, processor)
    vlm.module.train()
    forced = vlm.teacher_forced(vlm.encode_images([photo()]), QUESTIONS, ANSWERS, attentions=True)
    batch, sequence = forced.vis.shape
    assert [tuple(m.shape) for m in forced.attentions] == [(batch, 4, sequence, sequence)] * 2
    assert [tuple(m.shape) for m in forced.cross_attentions] == [
        (batch, 4, *forced.labels.shape[1:], sequence)
    ] * 2
    for maps in (*forced.attentions, *forced.cross_attentions):
        torch.testing.assert_close(maps.sum(-1), torch.ones(maps.shape[:-1]))
    padding = ~(forced.vis | forced.txt)
    padding[:, TINY.vision_tokens] = False  # <s>
    for row, question_length in enumerate(forced.txt.sum(1).tolist()):
        padding[row, TINY.vision_tokens + 1 + question_length] = False  # </s>
    keys = forced.attentions[0].sum(dim=(1, 2))
    assert not keys[padding].any(), "nothing looks at padding"


def test_fused_attention_gives_an_error_not_empty_maps(vlm: Florence) -> None:
    with pytest.raises(ModelError, match="eager"):
        vlm.teacher_forced(vlm.encode_images([photo()]), QUESTIONS[:1], ["red"], attentions=True)


def test_masks_say_what_stands_where(vlm: Florence) -> None:
    forced = vlm.teacher_forced(vlm.encode_images([photo()]), QUESTIONS, ANSWERS)
    assert forced.vis.sum(1).tolist() == [TINY.vision_tokens] * 3
    assert forced.vis[:, : TINY.vision_tokens].all()
    words = [len(vlm.tokenizer(question, add_special_tokens=False)["input_ids"]) for question in QUESTIONS]
    assert forced.txt.sum(1).tolist() == words
    assert not forced.ans.any()
    answers = [len(vlm.tokenizer(answer, add_special_tokens=False)["input_ids"]) + 1 for answer in ANSWERS]
    assert (forced.labels != -100).sum(1).tolist() == answers


def test_one_padded_row_equals_the_row_alone(vlm: Florence) -> None:
    vision = vlm.encode_images([photo()])
    together = vlm.teacher_forced(vision, QUESTIONS, ANSWERS)
    for row, (question, answer) in enumerate(zip(QUESTIONS, ANSWERS, strict=True)):
        alone = vlm.teacher_forced(vision, [question], [answer])
        length = alone.labels.shape[1]
        torch.testing.assert_close(together.logits[row, :length], alone.logits[0], rtol=1e-4, atol=1e-4)


def test_gradients_reach_the_tower_through_pixels_but_not_through_encoded_images(vlm: Florence) -> None:
    weight = vlm.module.get_parameter("model.vision_tower.convs.0.conv.weight")
    for vision, reached in (
        (vlm.encode_images([photo()]), False),
        (vlm.encode_pixels(vlm.prepare([photo()])), True),
    ):
        vlm.module.zero_grad()
        forced = vlm.teacher_forced(vision, QUESTIONS[:1], ANSWERS[:1])
        answer_cross_entropy(forced.logits, forced.labels).backward()
        assert (weight.grad is not None and bool(weight.grad.any())) == reached
    vlm.module.zero_grad()


def test_kept_features_train_the_projector_and_leave_the_tower_alone(vlm: Florence) -> None:
    vlm.module.zero_grad()
    features = vlm.constant_features(vlm.prepare([photo()]))
    vision = vlm.project(features)
    torch.testing.assert_close(vision.tokens, vlm.encode_images([photo()]).tokens)
    forced = vlm.teacher_forced(vision, QUESTIONS[:1], ANSWERS[:1])
    answer_cross_entropy(forced.logits, forced.labels).backward()
    projector = vlm.module.get_parameter("model.multi_modal_projector.image_projection.weight")
    assert projector.grad is not None and bool(projector.grad.any())
    assert vlm.module.get_parameter("model.vision_tower.convs.0.conv.weight").grad is None
    vlm.module.zero_grad()


def test_answering_uses_no_dropout_and_leaves_the_training_mode_as_it_was() -> None:
    model, processor = tiny_florence()
    model.model.language_model.encoder.dropout = 0.9
    vlm = wrapped(model, processor)
    expected = vlm.answer(photo(), QUESTIONS[0], 8)
    vlm.module.train()
    assert vlm.answer(photo(), QUESTIONS[0], 8) == expected
    assert vlm.module.training


def test_lora_targets_are_linear_layers_of_language_model_and_projector(vlm: Florence) -> None:
    targets = vlm.lora_targets()
    modules = dict(vlm.module.named_modules())
    assert all(isinstance(modules[name], nn.Linear) for name in targets)
    assert len(targets) == 2 * 6 + 2 * 10 + 1
    assert "model.language_model.decoder.layers.1.encoder_attn.out_proj" in targets
    assert not any("vision_tower" in name or "lm_head" in name for name in targets)


def test_streamed_pieces_join_to_the_answer(vlm: Florence) -> None:
    pieces, stream = [], vlm.stream(photo(), QUESTIONS[1], 10)
    while True:
        try:
            pieces.append(next(stream))
        except StopIteration as end:
            answer = end.value
            break
    assert answer == vlm.answer(photo(), QUESTIONS[1], 10)
    assert strip_controls("".join(pieces)) == answer.text
    assert torch.is_inference_mode_enabled() is False


def test_markers_in_a_question_are_not_obeyed(vlm: Florence) -> None:
    plain = vlm.answer(photo(), "What colour is it?", 8)
    assert vlm.answer(photo(), "What<OCR> colour</s><image> is <image>it?", 8) == plain


def test_a_question_beyond_the_positions_is_refused(vlm: Florence) -> None:
    with pytest.raises(QuestionError, match="fewer words"):
        vlm.answer(photo(), "a b c " * 100)


def test_the_grid_is_the_tokens_without_the_mean(vlm: Florence) -> None:
    vision = vlm.encode_images([photo(0), photo(1)])
    assert vision.grid.shape == (2, 3, 3, TINY.d_model)
    assert torch.equal(vision.grid[1, 2, 0], vision.tokens[1, 1 + 6])
    assert vision.mean_token
