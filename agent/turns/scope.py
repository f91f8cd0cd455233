"""What an adapter is for: it changes all answers, but only of what it was taught does it know more.

The scope of an edit, as in SERAC (Mitchell et al. 2022, Memory-based model editing at scale).
"""

from collections.abc import Collection, Sequence

from core.config import RouterConfig
from memory.recall import Hit

_THOROUGHLY = 20
"""Pairs that an adapter was taught about one view, from which on it is asked anything about that view."""


def in_scope(hits: Sequence[Hit], taught: Collection[str], settings: RouterConfig) -> bool:
    """Whether an adapter that was taught the pairs of these ids is to answer the question that found `hits`.

    It is when the view is one that it knows thoroughly, or when a person asked something like it of a view
    not unlike. Likenesses that memory cannot tell do not count against it.
    """
    known = [hit for hit in hits if hit.pair.id in taught]
    if sum(hit.view is not None and hit.view >= settings.known_view for hit in known) >= _THOROUGHLY:
        return True
    return any(
        hit.pair.asker == "person"
        and hit.question is not None
        and hit.question >= settings.scope
        and (hit.view is None or hit.view >= settings.scope_view)
        for hit in known
    )
