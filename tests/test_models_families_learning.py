"""Every family can be student and expert: a teacher signal, one adaptation, its adapter in plain peft."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny_families
import tiny_models
import torch
from peft import PeftModel
from test_models_families import FAMILIES
from tiny_jobs import RECIPE, examples, request
from tiny_memory import jpeg
from tiny_models import photo
from transformers import AutoModelForImageTextToText

from adapters.jobs.job import write_request
from adapters.worker import work
from agent.recording.record import read_recording
from agent.replay.session import ReplayOptions, replay_session
from core.config import Config
from core.errors import WeightsError
from core.events import AdaptationEnded, Failed
from core.files import sha256_file
from core.sections import ExpertConfig, StudentConfig
from core.signal import TeacherSignal
from core.types import Frame
from models.adapter_files import VERSION_FILE, WEIGHTS_FILE
from models.expert import LocalExpert
from models.lora import Adapter, AdapterSlot, base_of, read_adapter, write_adapter
from models.registry import load_model

_RECIPE = replace(RECIPE, steps=12, general=2, similar=0, attention_weight=1.0)


@pytest.fixture(scope="module", params=[*FAMILIES, "smolvlm", "idefics3", "llava"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp(str(request.param))
    tiny = tiny_families if request.param in FAMILIES else tiny_models
    getattr(tiny, f"save_{request.param}")(made)
    return made


def test_an_expert_teaches_a_student_whose_adapter_plain_peft_opens(folder: Path, tmp_path: Path) -> None:
    expert = LocalExpert(load_model(str(folder), attention="eager", vision_tokens=16), 6, 2)
    pairs = examples(tmp_path / "pictures")
    taught = []
    for number, pair in enumerate(pairs):
        reply = expert.ask(Frame(b"", photo(number % 2)), pair.question, 1)
        assert reply.signal is not None
        signal = TeacherSignal.from_bytes(reply.signal)
        assert signal.attention is not None and len(signal.spans) == len(pair.question)
        path = tmp_path / f"{number}.signal"
        path.write_bytes(reply.signal)
        taught.append(replace(pair, signal=path))
    job = tmp_path / "job"
    job.mkdir()
    write_request(job, request(str(folder), taught, recipe=_RECIPE, vision_tokens=16))
    result = work(job)
    assert result.steps == 12, result.reason
    assert (job / "candidate").is_dir(), result
    vlm = load_model(str(folder), vision_tokens=16)
    adapter = read_adapter(job / "candidate", base_of(str(folder)))
    vision = vlm.encode_images([photo(), photo(1), photo(2)])
    words = ([pair.question for pair in pairs], [pair.answer for pair in pairs])
    with torch.no_grad():
        before = vlm.teacher_forced(vision, *words).logits
        AdapterSlot(vlm).activate(adapter)
        ours = vlm.teacher_forced(vision, *words).logits
        theirs = load_model(str(folder), vision_tokens=16)
        base: Any = AutoModelForImageTextToText.from_pretrained(folder).eval()
        theirs.module = PeftModel.from_pretrained(base, str(job / "candidate")).get_base_model()
        plain = theirs.teacher_forced(vision, *words).logits
    torch.testing.assert_close(ours, plain, rtol=1e-3, atol=1e-3)
    assert (ours - before).abs().max() > 1e-2


@pytest.mark.slow
def test_a_visit_is_replayed_with_it_as_student_and_as_expert(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = tmp_path / "visit"
    visit.mkdir()
    for number in range(2):
        (visit / f"frame-{number}.jpg").write_bytes(jpeg(number, (64, 48)))
    turns = [
        {"frame": number % 2, "question": f"What is {number}?", "answer": "red", "tag": "new-fact"}
        for number in range(6)
    ]
    (visit / "session.json").write_text(json.dumps({"room": "den", "turns": turns, "answers": "truth"}))
    config = Config(
        student=StudentConfig(model=str(folder), max_new_tokens=4, vision_tokens=16),
        expert=ExpertConfig(model=str(folder), looks=1, extra=0),
    )
    options = ReplayOptions(visit, str(folder), str(folder), 4, out=tmp_path / "out", quiet=True)
    summary = replay_session(options, config)
    assert [turn.by for turn in summary.turns] == ["expert"] * 4 + ["student"] * 2
    events = read_recording(tmp_path / "out" / "session").events
    assert any(isinstance(event, AdaptationEnded) for event in events)
    assert not any(isinstance(event, Failed) for event in events)


def test_an_adapter_of_another_family_does_not_fit(folder: Path, tmp_path: Path) -> None:
    vlm = load_model(str(folder))
    strange = Adapter(1, 1.0, {"model.text_model.layers.0.mlp.up_proj": (torch.ones(1, 3), torch.ones(5, 1))})
    before = vlm.answer(photo(), "What?", 2)
    with pytest.raises(WeightsError, match="does not fit"):
        AdapterSlot(vlm).activate(strange)
    assert vlm.answer(photo(), "What?", 2) == before
    write_adapter(strange, base_of(str(folder)), tmp_path)
    version = {"base": {"name": "other", "digest": "0" * 64}, "sha256": sha256_file(tmp_path / WEIGHTS_FILE)}
    (tmp_path / VERSION_FILE).write_text(json.dumps(version))
    with pytest.raises(WeightsError, match="other"):
        read_adapter(tmp_path, base_of(str(folder)))
