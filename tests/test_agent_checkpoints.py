"""Models are listed with what they need, tried without leaving a trace, and chosen in the settings' file."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import tiny_families
from families import STEPS, table

import roomwise
from agent.checkpoints import trying
from agent.checkpoints.choosing import PRESETS, Preset
from agent.checkpoints.listing import FLOAT, HALF, listing
from agent.checkpoints.trying import try_model
from core.config import load_config
from core.errors import ModelError, UnknownModelError
from core.lazy import run
from models.adapter_files import Base
from models.footprint import LEAST_ROWS, footprint, to_answer, to_learn
from models.known import HUB
from models.lora import Adapter, write_adapter
from models.registry import model_folder, model_names


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def internvl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "internvl"
    folder.mkdir()
    tiny_families.save_internvl(folder)
    return folder


def _models(*args: str) -> int:
    return run(roomwise.app, "roomwise", ["models", *args])


def test_every_model_is_listed_with_what_it_needs() -> None:
    entries = {entry.name: entry for entry in listing(HALF)}
    assert sorted(entries) == model_names()
    student = entries["builtin-student"]
    needs = footprint(model_folder("builtin-student"))
    assert needs is not None
    assert student.here and student.learn == needs.of(LEAST_ROWS)
    florence = entries["florence-2-base-ft"]
    assert (florence.here, florence.size, florence.licence) == (False, 464_000_000, "mit")
    assert florence.answer == 450_000_000 + 464_000_000
    twice = {entry.name: entry for entry in listing(FLOAT)}["florence-2-base-ft"]
    assert (twice.answer - florence.answer, twice.size) == (464_000_000, florence.size)
    assert not entries["llama-3.2-11b-vision"].student
    assert entries["llama-3.2-11b-vision"].learn is None


def test_the_list_is_a_table_or_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert _models("list", "--json") == 0
    told = json.loads(capsys.readouterr().out)["models"]
    assert [row["name"] for row in told][:2] == ["builtin-student", "builtin-expert"]
    assert _models("list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("* builtin-student") and lines[-2].startswith("  llama-3.2")


def test_a_built_in_model_can_be_everything_and_leaves_no_trace(
    isolated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _models("check", "builtin-student") == 0
    said = capsys.readouterr().out
    assert "It can be student and expert here. It can learn." in said
    assert "roomwise models use builtin-student --as expert" in said
    assert not list(isolated.rglob("*")) and not list(tmp_path.rglob("*"))


def test_a_model_is_tried_step_by_step(internvl: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _models("check", str(internvl), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [step["name"] for step in told["steps"]] == ["load", *STEPS]
    assert all(step["works"] and step["seconds"] >= 0 for step in told["steps"])
    assert (told["family"], told["vision_tokens"], told["dtype"]) == ("internvl", 4, "float32")
    assert (told["student"], told["expert"], told["learns"]) == (True, True, True)
    assert told["peak_bytes"] > 100_000_000


def test_what_fails_is_said_and_costs_only_what_it_is_needed_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object) -> None:
        raise ModelError("No\x1b steps here.")

    monkeypatch.setattr(trying, "measure", fails)
    tried = try_model("builtin-student", 16)
    assert (tried.student, tried.expert, tried.learns) == (False, True, False)
    step = next(step for step in tried.steps if step.name == "train")
    assert (step.works, step.told) == (False, "No steps here.")
    assert list(table(iter([("F", tried)])))[-1] == (
        "| F | `florence2` | yes | yes | yes | no: No steps here. | yes |"
    )
    monkeypatch.setattr(trying, "load_image", fails)
    assert _models("check", "builtin-student") == 1
    assert "neither student nor expert" in capsys.readouterr().out


def test_an_adapter_that_plain_peft_reads_otherwise_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def other_way_round(adapter: Adapter, base: Base, folder: Path) -> None:
        matrices = {name: (down, -up) for name, (down, up) in adapter.matrices.items()}
        write_adapter(replace(adapter, matrices=matrices), base, folder)

    monkeypatch.setattr(trying, "write_adapter", other_way_round)
    assert not try_model("builtin-student", 16).works("peft")


def test_a_choice_is_written_and_the_rest_of_the_file_stays(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], internvl: Path
) -> None:
    Path("roomwise.toml").write_text("# Mine.\n[student]\nmodel = 'builtin-student'  # small\n")
    assert _models("use", "smolvlm-256m") == 0
    said = capsys.readouterr().out
    assert 'student.model = "smolvlm-256m"' in said and "roomwise models pull smolvlm-256m" in said
    assert Path("roomwise.toml").read_text() == '# Mine.\n[student]\nmodel = "smolvlm-256m"  # small\n'
    monkeypatch.setenv("ROOMWISE_EXPERT__MODEL", "x")
    assert _models("use", str(internvl), "--as", "expert") == 0
    assert "ROOMWISE_EXPERT__MODEL is set" in capsys.readouterr().out
    assert load_config(env={}).expert.model == str(internvl)
    assert load_config(env={}).student.model == "smolvlm-256m"


def test_without_a_file_the_users_own_is_begun(isolated: Path) -> None:
    assert _models("use", "--preset", "laptop") == 0
    config = load_config(isolated / "roomwise.toml", {})
    assert (config.student.model, config.expert.model) == ("smolvlm-256m", "internvl3-1b")
    assert (config.expert.looks, config.adaptation.seconds) == (1, 600)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "--preset"),
        (("smolvlm-256m", "--preset", "laptop"), "--preset"),
        (("--preset", "lapdog"), "Did you mean laptop"),
        (("smolvlm-256", "--as", "expert"), "Did you mean smolvlm-256m"),
        (("smolvlm-256m", "--as", "teacher"), "--as student"),
        (("llama-3.2-11b-vision",), "--as expert"),
    ],
)
def test_what_cannot_be_chosen_is_said(
    args: tuple[str, ...], message: str, isolated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _models("use", *args) == 2
    assert message in capsys.readouterr().err
    assert not (isolated / "roomwise.toml").exists()


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_a_preset_fits_the_machine_that_it_is_for(preset: Preset) -> None:
    student, expert = HUB[preset.student], HUB[preset.expert]
    weights = {model: model.millions * 1_000_000 * preset.weight_bytes for model in (student, expert)}
    session = to_answer(weights[student] + weights[expert]) + preset.cuda
    learning = to_learn(weights[student], student.shape).of(LEAST_ROWS) + preset.cuda
    assert session + learning <= preset.memory


def test_names_of_the_hub_are_those_of_the_models(internvl: Path) -> None:
    with pytest.raises(UnknownModelError):
        try_model("no-such-model", 16)
    assert all(model.repo.count("/") == 1 and model.millions > 100 for model in HUB.values())
