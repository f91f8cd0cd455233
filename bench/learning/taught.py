"""An adapter by one of the methods, from the very request that the replay's own job was given."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

from adapters.jobs.job import read_request
from adapters.jobs.request import Request
from adapters.training.probe import probe_set
from adapters.training.train import Data, train_upon
from agent.recording.record import Recording
from bench.learning.methods import Method
from core.events import AdaptationEnded
from core.types import Example
from models.lora import Adapter, base_of, read_adapter
from models.vlm import VisionLanguageModel


def last_request(run: Path, recording: Recording) -> Request | None:
    """What the last job of a replay that came to a verdict was asked; None when there was none."""
    jobs = [event.job for event in recording.events if isinstance(event, AdaptationEnded) and not event.again]
    return read_request(run / "jobs" / jobs[-1]) if jobs else None


def lessons(request: Request, method: Method, spared: Collection[str]) -> Request | None:
    """The request as the method has it; None when it leaves nothing to learn.

    `spared` are the pairs that questions after the warm-up left, which nobody learns here.
    """

    def kept(pairs: Iterable[Example]) -> list[Example]:
        mine = [one for one in pairs if one.id not in spared]
        return mine if method.signals else [replace(one, signal=None) for one in mine]

    learnt, late = kept(request.train), kept(request.hold_out)
    if not learnt:
        learnt, late = late, []
    if not learnt:
        return None
    others = request.replay if method.others else ()
    extra = kept(request.extra) if method.extra else []
    changed = replace(
        request, train=learnt, hold_out=late, replay=others, extra=extra, recipe=method.recipe(request.recipe)
    )
    changed = changed if method.home else replace(changed, parent=None)
    return changed if method.others else replace(changed, probe=None)


def taught(vlm: VisionLanguageModel, request: Request) -> Adapter | None:
    """The adapter; every step is made, however long it takes. The model is left as it was."""
    base = base_of(request.base)
    parent = None if request.parent is None else read_adapter(request.parent, base)
    probe = [] if request.probe is None else probe_set(vlm, base, request.probe)
    data = Data(request.train, request.replay, probe, request.hold_out, request.extra)
    return train_upon(vlm, parent, data, request.recipe, request.seed, lambda step, loss: None, lambda: 0.0)
