"""How a process gets its memory back from the allocator."""

import ctypes
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -2, -3, -8  # malloc.h
_LARGE = 2**30
_MEBIBYTE = 2**20


def keep_freed_memory() -> bool:
    """Have glibc keep freed memory for reuse; returns whether it does. Other allocators do not change.

    Otherwise glibc returns every large block, and a model's passes spend up to half of their time on pages
    that the system clears again. The process never shrinks: for servers and jobs. Call it before computing
    threads start.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # musl
        return False
    settings = {_MMAP_THRESHOLD: _LARGE, _TRIM_THRESHOLD: _LARGE, _TOP_PAD: 64 * _MEBIBYTE, _ARENA_MAX: 1}
    return all(mallopt(name, value) == 1 for name, value in settings.items())
