"""A prefix that was kept gives what encoding anew gives: logits, losses, gradients, answers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tiny_models import QUESTIONS, photo, tiny_florence, wrapped

from core.errors import StorageError
from models.decoding import greedy_rows
from models.florence import Florence
from models.lora import Adapter, AdapterSlot
from models.lora_training import attach, detach, extract
from models.loss import answer_cross_entropy
from models.prefix import Prefixes, stack
from models.prefix_store import PrefixStore

ANSWERS = ["red", "two on the table", "x"]


@pytest.fixture
def vlm() -> Florence:
    return wrapped(*tiny_florence())


def _kept(vlm: Florence) -> Prefixes:
    """Encoded one by one, kept without padding, and put together again."""
    vision = vlm.encode_images([photo()])
    with torch.no_grad():
        rows = [row for question in QUESTIONS for row in vlm.prefixes(vision, [question]).rows()]
    return stack(rows, torch.float32)


def test_kept_prefixes_give_the_same_logits(vlm: Florence) -> None:
    forced = vlm.teacher_forced(vlm.encode_images([photo()]), QUESTIONS, ANSWERS)
    logits, labels = vlm.forced_after(_kept(vlm), ANSWERS)
    assert torch.equal(labels, forced.labels)
    counts = labels >= 0
    torch.testing.assert_close(logits[counts], forced.logits[counts], atol=5e-5, rtol=1e-4)
    losses = [answer_cross_entropy(*each) for each in ((logits, labels), (forced.logits, forced.labels))]
    torch.testing.assert_close(*losses, atol=1e-5, rtol=0)


def test_kept_prefixes_give_the_same_answers(vlm: Florence) -> None:
    rows = greedy_rows(vlm.begin_after(_kept(vlm)), vlm.stop_ids, 8)
    answers = vlm.answer_many(photo(), QUESTIONS, 8)
    assert [tuple(ids) for ids, _ in rows] == [answer.token_ids for answer in answers]


@pytest.fixture
def training(vlm: Florence) -> Iterator[list[torch.nn.Parameter]]:
    parameters = attach(vlm, 2, 4.0, vlm.later_targets(), 0)
    with torch.no_grad():
        for number, part in enumerate(parameters):
            part.add_(0.02 * torch.randn(part.shape, generator=torch.Generator().manual_seed(number)))
    yield parameters
    detach(vlm)


def test_gradients_are_those_of_encoding_anew(vlm: Florence, training: list[torch.nn.Parameter]) -> None:
    forced = vlm.teacher_forced(vlm.encode_images([photo()]), QUESTIONS, ANSWERS)
    anew = torch.autograd.grad(answer_cross_entropy(forced.logits, forced.labels), training)
    logits, labels = vlm.forced_after(_kept(vlm), ANSWERS)
    kept = torch.autograd.grad(answer_cross_entropy(logits, labels), training)
    for one, other in zip(anew, kept, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def test_an_adapter_of_what_comes_later_changes_answers_and_no_prefix(
    vlm: Florence, training: list[torch.nn.Parameter]
) -> None:
    adapter = extract(vlm, 2, 4.0)
    detach(vlm)
    before, said = _kept(vlm), vlm.forced_after(_kept(vlm), ANSWERS)[0]
    slot = AdapterSlot(vlm)
    slot.activate(Adapter(adapter.rank, adapter.alpha, adapter.matrices))
    assert torch.equal(_kept(vlm).caches, before.caches)
    assert not torch.allclose(vlm.forced_after(before, ANSWERS)[0], said, atol=1e-4)


def test_half_precision_halves_what_is_kept(vlm: Florence) -> None:
    with torch.no_grad():
        prefixes = vlm.prefixes(vlm.encode_images([photo()]), QUESTIONS)
    whole, half = prefixes.rows(), prefixes.rows(torch.bfloat16)
    assert [row.nbytes for row in whole] == [2 * row.nbytes for row in half]
    assert [len(row.vis) for row in whole] == [len(row.vis) for row in half]
    close = stack(half, torch.float32)
    longest = max(len(row.vis) for row in whole)
    assert close.caches.shape[4] == longest


@pytest.mark.parametrize("most_bytes", [0, 30_000, 10**9])
def test_what_is_beyond_the_budget_comes_back_from_the_disk(
    vlm: Florence, tmp_path: Path, most_bytes: int
) -> None:
    with torch.no_grad():
        rows = vlm.prefixes(vlm.encode_images([photo()]), QUESTIONS).rows(torch.bfloat16)
    store = PrefixStore(tmp_path / "cache", most_bytes)
    numbers = store.add(rows)
    kept, direct = store.stack(numbers[::-1]), stack(rows[::-1])
    assert torch.equal(kept.caches, direct.caches) and torch.equal(kept.vis, direct.vis)
    assert not list(tmp_path.rglob("*.part"))
    store.close()
    store.close()


def test_a_full_disk_while_keeping_is_said(vlm: Florence, tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"in the way")
    with torch.no_grad():
        rows = vlm.prefixes(vlm.encode_images([photo()]), QUESTIONS).rows()
    with pytest.raises(StorageError, match="Cannot write"):
        PrefixStore(tmp_path / "cache", 0).add(rows)


def test_where_answers_look_is_the_librarys_cross_attention(vlm: Florence) -> None:
    eager = wrapped(*tiny_florence(attention="eager"))
    forced = eager.teacher_forced(eager.encode_images([photo()]), QUESTIONS, ANSWERS, attentions=True)
    wanted = torch.stack([each.mean(dim=1) for each in forced.cross_attentions]).mean(dim=0)
    logits, labels, looks = vlm.forced_looking(_kept(vlm), ANSWERS)
    counts = labels >= 0
    torch.testing.assert_close(looks[counts], wanted[counts], atol=1e-5, rtol=1e-4)
    assert torch.equal(logits, vlm.forced_after(_kept(vlm), ANSWERS)[0])
