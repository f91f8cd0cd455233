from typing import Any

import httpx
import pytest
from PIL import Image
from pydantic import SecretStr

from core.config import Config
from core.errors import ConfigError, ExpertError
from core.ports import Expert
from core.sections import ExpertConfig, NetworkConfig
from core.types import Cost, Frame
from models.remote.budget import Budget
from models.remote.compatible import CompatibleExpert
from models.remote.opening import remote_expert
from models.remote.roomwise import RoomwiseExpert

FRAME = Frame(b"jpeg", Image.new("RGB", (2, 2)))


def _config(offline: bool = False, **expert: Any) -> Config:
    return Config(expert=ExpertConfig(**expert), network=NetworkConfig(offline=offline))


def test_the_address_decides_what_is_spoken() -> None:
    ours: Expert = remote_expert(_config(model="https://h"))
    assert isinstance(ours, RoomwiseExpert)
    theirs: Expert = remote_expert(_config(model="https://h/v1", remote_model="llava"))
    assert isinstance(theirs, CompatibleExpert)
    assert theirs.name == "llava"


def test_an_address_that_is_given_goes_before_the_configured() -> None:
    expert = remote_expert(_config(model="https://h", remote_model="llava"), "https://other/v1")
    assert isinstance(expert, CompatibleExpert)


@pytest.mark.parametrize("allowed", [False, True])
def test_others_are_learnt_from_once_that_is_allowed(allowed: bool) -> None:
    config = _config(model="https://h/v1", remote_model="llava", allow_distillation=allowed)
    assert remote_expert(config).teaches == allowed


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (_config(model="https://h", offline=True), r"network\.offline"),
        (_config(model="http://10.0.0.2"), "^Frames would go unencrypted"),
        (
            _config(model="http://10.0.0.2", token=SecretStr("x")),
            "^Frames and the token would go unencrypted",
        ),
        (_config(model="https://h/v1"), r"expert\.remote_model"),
        (_config(model="https://h", token=SecretStr("a\nb")), r"expert\.token"),
        (_config(), "begins with https://"),
    ],
)
def test_what_the_configuration_does_not_permit_is_refused_at_once(config: Config, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        remote_expert(config)


def test_limits_and_what_was_spent_come_along() -> None:
    def never(request: httpx.Request) -> httpx.Response:
        raise AssertionError

    config = _config(model="https://h/v1", remote_model="llava", max_calls=3)
    assert remote_expert(config, budget=Budget(3, 0, 2, 7)).cost == Cost(2, 7)
    expert = remote_expert(config, budget=Budget(3, 0, calls=3), transport=httpx.MockTransport(never))
    with pytest.raises(ExpertError, match="asked 3 of at most 3"):
        expert.ask(FRAME, "What?", 1)
