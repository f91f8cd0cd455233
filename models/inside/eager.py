"""Attention that builds its maps, for a moment: for answering, the fused kind is quicker."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from core.errors import InputError, ModelError
from models.vlm import VisionLanguageModel


@contextmanager
def mapping(vlm: VisionLanguageModel) -> Iterator[None]:
    """Inside, `teacher_forced(attentions=True)` gives maps however the model was loaded.

    Raises InputError when it gives none all the same.
    """
    module: Any = vlm.module
    try:
        before = module.config._attn_implementation
        module.set_attn_implementation("eager")
    except (AttributeError, ValueError) as error:
        raise _none(vlm, error) from error
    try:
        yield
    except ModelError as error:
        raise _none(vlm, error) from error
    finally:
        module.set_attn_implementation(before)


def _none(vlm: VisionLanguageModel, error: Exception) -> InputError:
    return InputError(
        f"{vlm.name} gives no maps of where it looks ({str(error).rstrip('.')}). Choose another model."
    )
