"""The expert behind an address, of the kind that the address says."""

import httpx

from core.config import Config
from models.remote.address import parse
from models.remote.budget import Budget
from models.remote.call import Caller
from models.remote.compatible import CompatibleExpert
from models.remote.roomwise import RoomwiseExpert

RemoteExpert = RoomwiseExpert | CompatibleExpert
"""Both are a `core.ports.Expert`; they also tell their budget, and are closed when done with."""


def remote_expert(
    config: Config,
    address: str | None = None,
    budget: Budget | None = None,
    transport: httpx.BaseTransport | None = None,
) -> RemoteExpert:
    """The expert at an address, by default that of the configuration. No connection is made yet.

    `budget` goes on from what was spent before. Raises ConfigError when the configuration does not permit it.
    """
    settings = config.expert
    where = parse(
        settings.model if address is None else address,
        token_set=bool(settings.token.get_secret_value()),
        plain_http=settings.plain_http,
        offline=config.network.offline,
    )
    caller = Caller(where, settings, budget, transport)
    if not where.compatible:
        return RoomwiseExpert(caller)
    longest = config.student.max_new_tokens
    return CompatibleExpert(caller, settings.remote_model, longest, settings.allow_distillation)
