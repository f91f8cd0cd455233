"""Models of the hub that are known by name: where they are, what they may be used for, what they need.

Sizes and licences are as their cards have them; before anything is fetched the hub is asked itself. No
revision is written down here: `roomwise models pull` finds the commit, and keeps it (`models.pins`).
"""

from dataclasses import dataclass

from models.footprint import Shape

BUILTIN = {"builtin-student": "student", "builtin-expert": "expert"}
"""Names of the models that come with the program, and their folders in models/builtin."""
PATTERNS = ("*.safetensors", "*.json", "*.jinja", "*.txt", "*.model")
"""The files of a checkpoint that are read: weights, settings, chat template, tokenizer. Neither pickles nor
code are among them."""


@dataclass(frozen=True)
class HubModel:
    """A checkpoint: its repository, `millions` of parameters, licence, and the language model's shape.

    `gated`: the hub gives it only to who has accepted the licence there. `expert_only`: too large, or read in
    a way that teaches little, to be a student.
    """

    repo: str
    millions: int
    licence: str
    shape: Shape
    gated: bool = False
    expert_only: bool = False


_QWEN = 151_936
HUB = {
    "florence-2-base-ft": HubModel(
        "florence-community/Florence-2-base-ft", 232, "mit", Shape(768, 12, 9, 577, 51_289)
    ),
    "florence-2-large-ft": HubModel(
        "florence-community/Florence-2-large-ft", 771, "mit", Shape(1024, 16, 18, 577, 51_289)
    ),
    "smolvlm-256m": HubModel(
        "HuggingFaceTB/SmolVLM-256M-Instruct", 256, "apache-2.0", Shape(576, 9, 30, 64, 49_280)
    ),
    "smolvlm-500m": HubModel(
        "HuggingFaceTB/SmolVLM-500M-Instruct", 507, "apache-2.0", Shape(960, 15, 32, 64, 49_280)
    ),
    "smolvlm-2.2b": HubModel(
        "HuggingFaceTB/SmolVLM-Instruct", 2246, "apache-2.0", Shape(2048, 32, 24, 81, 49_155)
    ),
    "smolvlm2-256m": HubModel(
        "HuggingFaceTB/SmolVLM2-256M-Video-Instruct", 256, "apache-2.0", Shape(576, 9, 30, 64, 49_280)
    ),
    "smolvlm2-500m": HubModel(
        "HuggingFaceTB/SmolVLM2-500M-Video-Instruct", 507, "apache-2.0", Shape(960, 15, 32, 64, 49_280)
    ),
    "smolvlm2-2.2b": HubModel(
        "HuggingFaceTB/SmolVLM2-2.2B-Instruct", 2246, "apache-2.0", Shape(2048, 32, 24, 81, 49_280)
    ),
    "llava-1.5-7b": HubModel("llava-hf/llava-1.5-7b-hf", 7063, "llama2", Shape(4096, 32, 32, 576, 32_064)),
    "llava-onevision-0.5b": HubModel(
        "llava-hf/llava-onevision-qwen2-0.5b-ov-hf", 894, "apache-2.0", Shape(896, 14, 24, 730, 152_000)
    ),
    "llava-onevision-7b": HubModel(
        "llava-hf/llava-onevision-qwen2-7b-ov-hf", 8030, "apache-2.0", Shape(3584, 28, 28, 730, 152_000)
    ),
    "qwen2.5-vl-3b": HubModel(
        "Qwen/Qwen2.5-VL-3B-Instruct", 3755, "qwen-research", Shape(2048, 16, 36, 576, _QWEN)
    ),
    "qwen2.5-vl-7b": HubModel(
        "Qwen/Qwen2.5-VL-7B-Instruct", 8292, "apache-2.0", Shape(3584, 28, 28, 576, 152_064)
    ),
    "qwen3-vl-2b": HubModel("Qwen/Qwen3-VL-2B-Instruct", 2128, "apache-2.0", Shape(2048, 16, 28, 576, _QWEN)),
    "qwen3-vl-8b": HubModel("Qwen/Qwen3-VL-8B-Instruct", 8767, "apache-2.0", Shape(4096, 32, 36, 576, _QWEN)),
    "internvl3-1b": HubModel("OpenGVLab/InternVL3-1B-hf", 938, "qwen", Shape(896, 14, 24, 256, 151_674)),
    "internvl3-8b": HubModel("OpenGVLab/InternVL3-8B-hf", 7944, "qwen", Shape(3584, 28, 28, 256, 151_674)),
    "gemma-3-4b": HubModel("google/gemma-3-4b-it", 4300, "gemma", Shape(2560, 8, 34, 256, 262_208), True),
    "paligemma2-3b": HubModel(
        "google/paligemma2-3b-mix-224", 3033, "gemma", Shape(2304, 8, 26, 256, 257_216), True
    ),
    "lfm2-vl-450m": HubModel("LiquidAI/LFM2-VL-450M", 451, "lfm1.0", Shape(1024, 16, 16, 256, 65_536)),
    "llama-3.2-11b-vision": HubModel(
        "meta-llama/Llama-3.2-11B-Vision-Instruct",
        10_670,
        "llama3.2",
        Shape(4096, 32, 40, 1601, 128_256),
        gated=True,
        expert_only=True,
    ),
}
