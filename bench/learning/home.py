"""Home in a measurement: made in this process, with all its steps, and read for those who answer."""

from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from adapters.jobs.job import write_result
from adapters.jobs.request import JobLimits
from adapters.jobs.store import HOME, AdapterStore
from adapters.training.run import run
from agent.learning.home import home_request
from bench.learning.plan import write_part
from bench.learning.state import State
from memory.store import Memory
from models.lora import Adapter, base_of, read_adapter

_LIMITS = JobLimits(seconds=24 * 3600, loses=0.0)
"""As long as it takes, so that the processor's speed changes no figure."""


def consolidate(state: State) -> None:
    """Train it from the pairs of all rooms; it becomes the state's if the gate agrees.

    What the gate saw is kept beside as `home.json`. Raises RoomwiseError.
    """
    with (
        Memory.open(state.memory, read_only=True) as memory,
        TemporaryDirectory(dir=state.folder, prefix="job-") as folder,
    ):
        job = Path(folder)
        result = run(job, home_request(memory, state.student, _LIMITS, state.seed))
        write_result(job, result)
        write_part(state.folder, "home", asdict(result))
        if result.outcome == "promote":
            AdapterStore(state.adapters).adopt(HOME, job)


def home_of(adapters: Path, student: str) -> Adapter | None:
    """The one that answers, of a folder of adapters. Raises WeightsError, StorageError."""
    version = AdapterStore(adapters).current(HOME)
    return None if version is None else read_adapter(version.folder, base_of(student))
