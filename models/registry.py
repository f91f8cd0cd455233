"""Names to models: the built-in pair, checkpoints of the hub that are on this machine, folders.

Nothing is ever downloaded here (`roomwise models pull` does that) and no code of a checkpoint is ever run.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from transformers import AutoImageProcessor, AutoTokenizer
from transformers.utils import logging

from core.errors import MissingDependencyError, ModelError, UnknownModelError, WeightsError
from core.extras import load
from core.sections import VISION_TOKENS
from core.text import did_you_mean
from models.chat_families import CHATS
from models.chat_model import ChatModel
from models.decoder_only import DecoderOnly
from models.few_rows import use_few_rows
from models.florence import Florence
from models.known import BUILTIN, HUB
from models.pins import hub_folder
from models.vlm import VisionLanguageModel
from models.weights import check_digest, check_files, check_loading, check_types, others_files, read_config

_BUILTIN_FOLDER = Path(__file__).parent / "builtin"
# Only the class in use is imported: each pulls in much of transformers.
_FAMILIES: dict[str, tuple[str, type[VisionLanguageModel]]] = {
    "florence2": ("transformers:Florence2ForConditionalGeneration", Florence),
    "idefics3": ("transformers:Idefics3ForConditionalGeneration", DecoderOnly),
    "llava": ("transformers:LlavaForConditionalGeneration", DecoderOnly),
    "smolvlm": ("transformers:SmolVLMForConditionalGeneration", DecoderOnly),
}
_CHAT_CLASS = "transformers:AutoModelForImageTextToText"


def model_names() -> list[str]:
    """All names, whether their weights are on this machine or not."""
    return sorted([*BUILTIN, *HUB])


def model_folder(name: str) -> Path:
    """Where the checkpoint of a name is, or the folder itself when `name` is one.

    A name wins over a folder of the same name; write ./NAME for the folder.
    Raises UnknownModelError, and WeightsError for a known name whose weights are not here.
    """
    if name in BUILTIN:
        return _builtin_folder(name)
    if name in HUB:
        return _hub_folder(name)
    folder = Path(name)
    if name and folder.is_dir():
        return folder
    raise UnknownModelError(
        f"There is no model or folder {name!r}. {did_you_mean(name, model_names())} "
        "Or give a folder in the hub's layout."
    )


def load_model(
    name: str,
    attention: str = "sdpa",
    dtype: torch.dtype | None = None,
    device: str | torch.device | None = None,
    vision_tokens: int = VISION_TOKENS,
) -> VisionLanguageModel:
    """A model by name or folder, in evaluation mode.

    `attention`: "sdpa" to serve, "eager" to train with attention maps. `dtype`: None means float32 on a
    processor and what the checkpoint says on a GPU; `device`: None means a GPU if there is one.
    `vision_tokens`: as `student.vision_tokens`.
    Raises UnknownModelError, WeightsError, ModelError, MissingDependencyError.
    """
    folder = model_folder(name)
    config = read_config(folder)
    model_class, family = _family(name, config)
    check_types(check_files(folder))
    check_digest(folder)
    place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    precision = dtype or (torch.float32 if place.type == "cpu" else "auto")
    # Not every part of a chat model has fused attention; transformers knows which.
    chosen = None if attention == "sdpa" and issubclass(family, ChatModel) else attention
    module: Any = _load_module(model_class, name, folder, chosen, precision)
    module.eval()
    module.to(device=place)
    use_few_rows(module)
    if issubclass(family, ChatModel):
        return family(name, module, family.read_processor(name, folder, config["model_type"]), vision_tokens)
    if attention == "sdpa":
        # Florence-2's tower encodes one picture an eighth faster this way.
        module.to(memory_format=torch.channels_last)
    return family(name, module, *_load_readers(name, folder))


@contextlib.contextmanager
def no_progress_bars() -> Iterator[None]:
    """No bars inside. The switch is global to the process, so keep the body short."""
    enabled = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if enabled:
            logging.enable_progress_bar()


def _builtin_folder(name: str) -> Path:
    folder = _BUILTIN_FOLDER / BUILTIN[name]
    if not (folder / "config.json").is_file():
        raise WeightsError(
            f"The weights of {name} are not in this installation ({folder}). "
            f"Install it whole again, or train them with: roomwise pretrain {BUILTIN[name]}"
        )
    return folder


def _hub_folder(name: str) -> Path:
    if folder := hub_folder(name):
        return folder
    raise WeightsError(f"{name} is not on this machine. Get it once with: roomwise models pull {name}")


def _family(name: str, config: dict[str, Any]) -> tuple[Any, type[VisionLanguageModel]]:
    kind = str(config.get("model_type"))
    if kind in CHATS:
        return load(_CHAT_CLASS), CHATS[kind]
    if kind not in _FAMILIES:
        types = ", ".join(sorted([*_FAMILIES, *CHATS]))
        raise ModelError(
            f"{name} is of type {kind!r}, which is neither a student nor an expert. "
            f"Supported types: {types}. Or serve it elsewhere, and give its address as expert.model."
        )
    target, family = _FAMILIES[kind]
    return load(target), family


def _load_module(
    model_class: Any, name: str, folder: Path, attention: str | None, dtype: torch.dtype | str
) -> torch.nn.Module:
    damaged = f"The weights of {name} do not fit its config.json or are damaged"
    with others_files(damaged), _its_libraries(name), no_progress_bars():
        module, info = model_class.from_pretrained(
            folder,
            attn_implementation=attention,
            dtype=dtype,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
    check_loading(name, info)
    loaded: torch.nn.Module = module
    return loaded


@contextlib.contextmanager
def _its_libraries(name: str) -> Iterator[None]:
    """Raises MissingDependencyError for a model that needs another library, with what there is to install."""
    try:
        yield
    except ImportError as error:
        reason = " ".join(str(error).split()).partition(" Please note")[0]
        raise MissingDependencyError(f"{name} needs another library: {reason}") from error


def _load_readers(name: str, folder: Path) -> tuple[Any, Any]:
    """Image processor and tokenizer."""
    with others_files(f"Tokenizer or image processor of {name} cannot be read"):
        return (
            AutoImageProcessor.from_pretrained(
                folder, backend="pil", local_files_only=True, trust_remote_code=False
            ),
            AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False),
        )
