from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_models import QUESTIONS, photo, save_llava, save_smolvlm, tiny_florence, wrapped

from bench.pretrain.vocabulary import train_tokenizer
from core.errors import ModelError
from core.signal import TeacherSignal
from models.registry import load_model
from models.signal import first_layer_map, focus, focus_size, teacher_signals, vocabulary


def test_a_signal_says_where_the_expert_looked_and_what_it_nearly_said() -> None:
    expert = wrapped(*tiny_florence(attention="eager"))
    vision = expert.encode_images([photo()])
    answer = expert.answer(vision, QUESTIONS[0], 6)
    signal = TeacherSignal.from_bytes(
        teacher_signals(expert, vision, [QUESTIONS[0]], ["red sofa"])[0].to_bytes()
    )
    assert signal.attention is not None
    assert signal.attention.shape == (len(signal.spans), 3, 3)
    mass = signal.attention.astype(np.float32).sum(axis=(1, 2))
    assert (mass > 0).all() and (mass < 1).all()
    assert next(QUESTIONS[0][begin:end] for begin, end in signal.spans).startswith("W")
    assert signal.top_ids.shape == (len(expert.tokenizer(" red sofa")["input_ids"]) - 1, 32)
    assert signal.top_ids[0, 0] == answer.token_ids[0]
    assert signal.top_logprobs[0, 0] == pytest.approx(answer.token_logprobs[0], abs=1e-2)
    assert signal.vocabulary == vocabulary(expert.tokenizer)
    assert signal.vocabulary != vocabulary(train_tokenizer(["other words"], 280))


def test_without_maps_it_says_how_to_get_them() -> None:
    expert = wrapped(*tiny_florence())
    with pytest.raises(ModelError, match="eager"):
        teacher_signals(expert, expert.encode_images([photo()]), [QUESTIONS[0]], ["red"])[0]


def test_other_looks_have_a_say_in_the_words_but_not_in_where_it_looked() -> None:
    expert = wrapped(*tiny_florence(attention="eager"))
    first, second, both = (
        teacher_signals(expert, expert.encode_images(pictures), [QUESTIONS[0]], ["red"])[0]
        for pictures in ([photo(0)], [photo(1)], [photo(0), photo(1)])
    )
    assert first.attention is not None and both.attention is not None
    np.testing.assert_allclose(both.attention, first.attention, rtol=1e-2, atol=1e-4)
    ours = {
        int(token): float(value) for token, value in zip(both.top_ids[0], both.top_logprobs[0], strict=True)
    }
    for one, other in ((first, second), (second, first)):
        likeliest = int(one.top_ids[0, 0])
        theirs = dict(zip(other.top_ids[0].tolist(), other.top_logprobs[0].tolist(), strict=True))
        if likeliest in theirs:
            mean = np.logaddexp(float(one.top_logprobs[0, 0]), theirs[likeliest]) - np.log(2)
            assert ours[likeliest] == pytest.approx(mean, abs=0.02)


@pytest.mark.parametrize(("save", "side"), [(save_smolvlm, 2), (save_llava, 4)])
def test_other_families_give_signals_too(tmp_path: Path, save: object, side: int) -> None:
    assert callable(save)
    save(tmp_path)
    expert = load_model(str(tmp_path), attention="eager")
    vision = expert.encode_images([photo()])
    signal = teacher_signals(expert, vision, [QUESTIONS[0]], ["red"])[0]
    assert signal.attention is not None
    assert signal.attention.shape == (len(signal.spans), side, side)
    # Every byte is a token here, so the spans spell the question.
    assert "".join(QUESTIONS[0][begin:end] for begin, end in signal.spans) == QUESTIONS[0]
    forced = expert.teacher_forced(vision, QUESTIONS[:1], ["red"], attentions=True)
    torch.testing.assert_close(
        first_layer_map(forced, vision), torch.from_numpy(signal.attention).float(), rtol=1e-2, atol=1e-3
    )


def test_the_focus_is_where_words_look_and_padding_has_no_say() -> None:
    looks = torch.zeros(1, 2, 3, 9)
    looks[0, :, 0, 7] = looks[0, 0, 1, 2] = 1
    assert focus(looks, 2).tolist() == [[7, 2]]
    assert [focus_size(cells) for cells in (2, 10, 144, 577)] == [2, 4, 16, 64]
    with pytest.raises(ValueError, match="in focus"):
        focus(looks, 10)
