"""A child that ends with whoever started it, however that one ends: no worker trains on for nobody.

Its standard input is a pipe from there, and the system closes a pipe with the last process that holds it.
"""

import os
import threading

LEFT_ALONE = 3
"""Exit code of a process that ended so."""


def end_with_input() -> None:
    """From now on leave as if killed when standard input ends: whatever is on the disk by then is whole."""
    threading.Thread(target=_wait, name="leash", daemon=True).start()


def _wait() -> None:
    # Not sys.stdin: the lock of its buffer would be held while the interpreter shuts down.
    while os.read(0, 1):
        pass
    os._exit(LEFT_ALONE)
