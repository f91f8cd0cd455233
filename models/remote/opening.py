"""Open the expert behind an address."""

import httpx

from core.config import Config
from models.remote.address import parse
from models.remote.budget import Budget
from models.remote.call import Caller
from models.remote.compatible import CompatibleExpert
from models.remote.roomwise import RoomwiseExpert

RemoteExpert = RoomwiseExpert | CompatibleExpert
"""Both implement `core.ports.Expert`; close them after use."""


def remote_expert(
    config: Config,
    address: str | None = None,
    budget: Budget | None = None,
    transport: httpx.BaseTransport | None = None,
) -> RemoteExpert:
    """The expert at an address, by default the configured one, without connecting yet.

    `budget` may continue earlier spending. Raises ConfigError when the configuration forbids it.
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
