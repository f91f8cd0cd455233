"""Weights that come with the program, and what computes with them."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import models
from agent.doctor.doctor import Finding, check
from core.extras import load
from models.minilm_files import check_minilm, minilm_folder
from models.weights import check_digest, check_files, read_config

BUILTIN = Path(models.__file__).parent / "builtin"


def weights() -> Iterator[Finding]:
    """The built-in pair and the text embedder, read byte by byte."""
    for name in ("student", "expert"):
        yield check(f"builtin-{name}", partial(_builtin, BUILTIN / name))
    yield check("text embedder", _minilm)


def torch() -> Iterator[Finding]:
    """The processor or GPU that will be used. Imports torch, which takes a second or two."""
    yield check("torch computes on", _device)


def _builtin(folder: Path) -> str:
    read_config(folder)
    size = sum(path.stat().st_size for path in check_files(folder))
    check_digest(folder)
    return f"whole, {size / 1e6:.0f} MB"


def _minilm() -> str:
    folder = minilm_folder()
    check_minilm(folder)
    return "all-MiniLM-L6-v2, whole"


def _device() -> str:
    threads = f"{load('torch:get_num_threads')()} threads"
    cuda: Any = load("torch:cuda")
    limited = os.environ.get("OMP_NUM_THREADS")
    limits = f"{threads} (OMP_NUM_THREADS={limited})" if limited else threads
    if cuda.is_available():
        return f"{cuda.get_device_name(0)}; {limits}"
    return f"the processor, {limits}"
