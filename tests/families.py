"""`scripts/families`: what works with a tiny random model of every family, as a table for docs/MODELS.md."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import tiny_families
import tiny_jobs
import tiny_models

from agent.checkpoints.trying import Tried, try_model

STEPS = {"ask": "answers", "stream": "streams", "maps": "maps", "train": "training step", "peft": "peft"}
_SAVERS: dict[str, Callable[[Path], object]] = {
    "Florence-2": tiny_jobs.save_student,
    "SmolVLM": tiny_models.save_smolvlm,
    "Idefics3": tiny_models.save_idefics3,
    "LLaVA": tiny_models.save_llava,
    "LLaVA-OneVision": tiny_families.save_llava_onevision,
    "Qwen2.5-VL": tiny_families.save_qwen2_5_vl,
    "Qwen3-VL": tiny_families.save_qwen3_vl,
    "InternVL": tiny_families.save_internvl,
    "Gemma 3": tiny_families.save_gemma3,
    "PaliGemma": tiny_families.save_paligemma,
    "LFM2-VL": tiny_families.save_lfm2_vl,
    "FastVLM": tiny_families.save_fast_vlm,
    "Llama 3.2 Vision": tiny_families.save_mllama,
}


def tried_families(names: list[str], root: Path) -> Iterator[tuple[str, Tried]]:
    """Save and try a model of each of these families, or of all."""
    for name in names or _SAVERS:
        folder = root / name.replace(" ", "-")
        folder.mkdir()
        _SAVERS[name](folder)
        yield name, try_model(str(folder), 16)


def table(families: Iterator[tuple[str, Tried]]) -> Iterator[str]:
    """Rows of Markdown. What fails says why."""
    yield f"| family | type | {' | '.join(STEPS.values())} |"
    yield "|---" * (2 + len(STEPS)) + "|"
    for name, tried in families:
        steps = {step.name: "yes" if step.works else f"no: {step.told}" for step in tried.steps}
        yield f"| {name} | `{tried.family}` | {' | '.join(steps[step] for step in STEPS)} |"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        for line in table(tried_families(sys.argv[1:], Path(made))):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
