"""How a process gets its memory back from the allocator."""

import ctypes
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -2, -3, -8  # malloc.h
_LARGE = 2**30
_MEBIBYTE = 2**20


def keep_freed_memory() -> bool:
    """Have glibc keep what is freed, for what is asked for next; whether it took that.

    Otherwise it returns every large block, and a model's passes, which ask for the same blocks again and
    again, spend up to half of their time on pages that the system clears anew. The process stays as large as
    it once was: for servers and for jobs, not for what must be small when idle. Call it before the
    threads that compute; other allocators are left as they are.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # musl
        return False
    settings = {_MMAP_THRESHOLD: _LARGE, _TRIM_THRESHOLD: _LARGE, _TOP_PAD: 64 * _MEBIBYTE, _ARENA_MAX: 1}
    return all(mallopt(name, value) == 1 for name, value in settings.items())
