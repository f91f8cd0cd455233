"""How many vision tokens an adapter is trained with, how many it is given, and who decides that."""

from pathlib import Path

import pytest
import torch
from tiny_jobs import examples, request, save_student
from tiny_models import QUESTIONS, photo, tiny_florence, wrapped

from adapters.jobs.gate import fewest_tokens
from adapters.jobs.job import read_request, write_request
from adapters.jobs.judge import Score
from adapters.training.material import Teaching
from adapters.training.terms import attention_term
from adapters.worker import work
from core.config import load_config
from core.errors import ConfigError
from models.adapter_files import VERSION_FILE, read_json
from models.lora import Adapter, AdapterSlot, base_of, read_adapter
from models.token_pruning import Pruning, drop_cells, keep_tokens
from models.vlm import VisionLanguageModel

GOOD, WORSE = Score(0.5, 0.5, -1.0, 4), Score(0.25, 0.5, -1.0, 4)
GENERAL = Score(0.9, 0.9, -0.2, 64)


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_student(tmp_path_factory.mktemp("student") / "tiny")


def test_the_smallest_share_that_costs_nothing_is_found() -> None:
    every = {1.0: (GOOD, GENERAL), 0.75: (GOOD, GENERAL), 0.5: (GOOD, GENERAL), 0.25: (WORSE, GENERAL)}
    assert fewest_tokens(every) == 0.5
    unsure = Score(0.5, 0.5, -1.2, 4)
    assert fewest_tokens({**every, 0.5: (unsure, GENERAL)}) == 0.75
    forgetful = Score(0.8, 0.9, -0.2, 64)
    assert fewest_tokens({**every, 0.5: (GOOD, forgetful), 0.75: (WORSE, GENERAL)}) == 1.0
    assert fewest_tokens({1.0: (Score(), GENERAL), 0.25: (Score(), GENERAL)}) == 1.0  # nothing held out


def test_a_room_chooses_where_it_may_and_its_adapter_remembers(
    tmp_path: Path, student: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.token_pruning.LEAST", 2)
    monkeypatch.setattr("adapters.training.run.fewest_tokens", lambda judged: min(judged))
    pairs = examples(tmp_path / "pictures")
    (tmp_path / "job").mkdir()
    write_request(tmp_path / "job", request(student, pairs[:2], hold_out=pairs[2:], keep_tokens="auto"))
    assert read_request(tmp_path / "job").keep_tokens == "auto"
    work(tmp_path / "job")
    folder = tmp_path / "job" / "candidate"
    assert read_json(folder / VERSION_FILE)["keep_tokens"] == 0.25
    assert read_adapter(folder, base_of(student)).keep_tokens == 0.25


def test_a_share_that_is_set_is_what_is_learnt_from(
    tmp_path: Path, student: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.token_pruning.LEAST", 2)
    seen: list[int] = []

    def counted(*args: object, **kwargs: object) -> object:
        part = drop_cells(*args, **kwargs)  # type: ignore[arg-type]
        seen.append(int(part.tokens.shape[1]))
        return part

    monkeypatch.setattr("models.token_pruning.drop_cells", counted)
    pairs = examples(tmp_path / "pictures")
    (tmp_path / "job").mkdir()
    write_request(tmp_path / "job", request(student, pairs[:2], hold_out=pairs[2:], keep_tokens=0.5))
    work(tmp_path / "job")
    assert seen and set(seen) == {1 + 4}  # the mean token, and four of nine cells
    assert read_json(tmp_path / "job" / "candidate" / VERSION_FILE)["keep_tokens"] is None


def test_an_adapters_choice_counts_only_while_it_answers_and_where_adapters_may_choose() -> None:
    vlm = wrapped(*tiny_florence())
    layer = vlm.lora_targets()[0]
    rows, cols = vlm.module.get_parameter(f"{layer}.weight").shape
    one = Adapter(1, 1.0, {layer: (torch.ones(1, cols), torch.ones(rows, 1))}, keep_tokens=0.5)
    keep_tokens(vlm, "auto")
    slot = AdapterSlot(vlm)
    slot.activate(one)
    assert kept(vlm) == 0.5
    with slot.suspended():
        assert kept(vlm) == 1
    slot.rest_on(one)
    with slot.bare():
        assert kept(vlm) == 1
    slot.deactivate()
    assert kept(vlm) == 0.5  # home rests below
    slot.rest_on(None)
    assert kept(vlm) == 1
    keep_tokens(vlm, 0.75)
    slot = AdapterSlot(vlm)
    slot.activate(one)
    assert kept(vlm) == 0.75


def kept(vlm: VisionLanguageModel) -> float | None:
    """The share that it keeps as it is now."""
    return vlm.pruner.rule.share if isinstance(vlm.pruner, Pruning) else 1


def test_where_to_look_is_told_of_those_cells_alone_that_are_there() -> None:
    vlm = wrapped(*tiny_florence(attention="eager"))
    vision = vlm.encode_images([photo(0)])
    part = drop_cells(vision, torch.tensor([[1, 4, 8]]))
    with torch.no_grad():
        forced = vlm.teacher_forced(part, QUESTIONS[:1], ["red"], attentions=True)
    words = int(forced.txt.sum())
    elsewhere = torch.rand(words, 9, generator=torch.Generator().manual_seed(0))
    ours = forced.attentions[0][0].mean(dim=0)[forced.txt[0]][:, 1:4]
    wanted = elsewhere.clone()
    wanted[:, [1, 4, 8]] = ours / ours.sum(dim=1, keepdim=True)
    same = attention_term(forced, [Teaching(attention=wanted)], mean_token=True)
    assert float(same) == pytest.approx(0, abs=1e-5)
    assert float(attention_term(forced, [Teaching(attention=elsewhere)], mean_token=True)) > 1e-3


def test_the_setting_is_a_share_or_auto(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_config().student.keep_tokens == 1.0
    monkeypatch.setenv("ROOMWISE_STUDENT__KEEP_TOKENS", "auto")
    assert load_config().student.keep_tokens == "auto"
    monkeypatch.setenv("ROOMWISE_STUDENT__KEEP_TOKENS", "0.5")
    assert load_config().student.keep_tokens == 0.5
    for wrong in ("0", "1.5", "half"):
        monkeypatch.setenv("ROOMWISE_STUDENT__KEEP_TOKENS", wrong)
        with pytest.raises(ConfigError, match="keep_tokens"):
            load_config()
