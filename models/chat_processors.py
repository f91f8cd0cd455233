"""Load transformers' combined processors without the video libraries that some of them ask for."""

import contextlib
from pathlib import Path
from typing import Any

from transformers import AutoImageProcessor, AutoTokenizer
from transformers.models.auto.auto_mappings import PROCESSOR_MAPPING_NAMES
from transformers.models.auto.processing_auto import processor_class_from_name

from core.errors import MissingDependencyError, ModelError, StorageError
from core.untrusted import Malformed, parse_json, read_bytes
from models.weights import others_files

_NAMED_IN = ("processor_config.json", "preprocessor_config.json", "tokenizer_config.json")
_TORCHVISION = "torchvision"


def load_processor(name: str, folder: Path, kind: str, image_processor: Any = None) -> Any:
    """The processor of a checkpoint of type `kind`; pictures are read by PIL.

    `image_processor` stands in for the checkpoint's own. Raises ModelError when there is none,
    MissingDependencyError when it cannot do without torchvision, WeightsError when a file is damaged.
    """
    processor_class = _processor_class(name, folder, kind)
    complaint = f"Processor or tokenizer of {name} cannot be read"
    with others_files(complaint):
        options, _ = processor_class.get_processor_dict(folder, local_files_only=True)
        pictures = image_processor or load_image_processor(name, folder)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        parts = {"image_processor": pictures, "tokenizer": tokenizer}
        # What processors hold beside these two is for videos and sound.
        arguments = [parts.get(part) for part in processor_class.get_attributes()]
        return _lenient(processor_class).from_args_and_dict(arguments, options)


def load_image_processor(name: str, folder: Path) -> Any:
    """The checkpoint's image processor over PIL. Raises MissingDependencyError when it needs torchvision."""
    try:
        return AutoImageProcessor.from_pretrained(
            folder, backend="pil", local_files_only=True, trust_remote_code=False
        )
    except (ImportError, ValueError) as error:
        if _TORCHVISION not in str(error):
            raise
        raise MissingDependencyError(
            f"{name} needs the library torchvision to read pictures. "
            f"Install it with: pip install {_TORCHVISION}"
        ) from error


def read_options(folder: Path, file_name: str) -> dict[str, Any]:
    """A JSON object of a checkpoint; empty where it is missing or none."""
    with contextlib.suppress(StorageError, OSError, Malformed, ValueError):
        options = parse_json(read_bytes(folder / file_name))
        return dict(options) if isinstance(options, dict) else {}
    return {}


def _processor_class(name: str, folder: Path, kind: str) -> Any:
    named = (read_options(folder, file).get("processor_class") for file in _NAMED_IN)
    candidates = [*named, PROCESSOR_MAPPING_NAMES.get(kind)]
    class_name = next((given for given in candidates if isinstance(given, str)), None)
    found = None if class_name is None else processor_class_from_name(class_name)
    if found is None or not {"image_processor", "tokenizer"} <= set(found.get_attributes()):
        raise ModelError(
            f"{name} has no processor of pictures and words that is known ({class_name}). "
            "Get processor_config.json and preprocessor_config.json of its checkpoint."
        )
    return found


def _lenient(processor_class: Any) -> Any:
    """The same class, which does without a part."""

    def check(self: Any, part_name: str, part: Any) -> Any:
        return (
            None if part is None else processor_class.check_argument_for_proper_class(self, part_name, part)
        )

    return type(processor_class.__name__, (processor_class,), {"check_argument_for_proper_class": check})
