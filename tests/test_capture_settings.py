"""Settings of camera and voice: what is natural to write is taken, and a password is never repeated."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.sources.choosing import spec_of
from capture.spec import Network, Usb
from core.config import load_config
from core.errors import ConfigError
from core.sections import CameraConfig

PASSWORD = "hidden-31415926535"
PLAIN = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=12)


def _file(folder: Path, text: str) -> Path:
    path = folder / "some.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_camera_may_be_a_number_without_quotes(tmp_path: Path) -> None:
    config = load_config(_file(tmp_path, "[camera]\nsource = 1\n[voice]\nmicrophone = 2\n"), {})
    assert spec_of(config.camera) == Usb(1)
    assert config.voice.microphone == "2"


@pytest.mark.parametrize("value", ["31415926535", "['31415926535']", "true"])
def test_a_password_that_is_no_text_is_refused_unseen(tmp_path: Path, value: str) -> None:
    with pytest.raises(ConfigError, match=r"Put it in quotes .*ROOMWISE_CAMERA__PASSWORD") as caught:
        load_config(_file(tmp_path, f"[camera]\npassword = {value}\n"), {})
    assert "31415926535" not in str(caught.value)


@given(PLAIN, PLAIN)
def test_an_address_with_a_password_is_refused_unseen(host: str, path: str) -> None:
    for source in (f"rtsp://me:{PASSWORD}@{host}/{path}", f"rtsp://{host}/{path}?password={PASSWORD}"):
        with pytest.raises(ConfigError, match="ROOMWISE_CAMERA__PASSWORD") as caught:
            load_config(env={"ROOMWISE_CAMERA__SOURCE": source})
        assert PASSWORD not in str(caught.value)


@given(PLAIN, PLAIN)
def test_name_and_password_reach_the_address_and_nothing_that_is_shown(host: str, user: str) -> None:
    config = load_config(
        env={
            "ROOMWISE_CAMERA__SOURCE": f"rtsp://{host}/stream",
            "ROOMWISE_CAMERA__USER": user,
            "ROOMWISE_CAMERA__PASSWORD": PASSWORD,
        }
    )
    spec = spec_of(config.camera)
    assert isinstance(spec, Network)
    assert spec.address == f"rtsp://{user}:{PASSWORD}@{host}/stream"
    assert PASSWORD not in f"{config!r} {config.model_dump_json()} {spec!r} {spec.shown}"


@pytest.mark.parametrize(("key", "value"), [("rate", 0), ("oldest_ms", 1), ("width", 10_000)])
def test_what_no_camera_can_do_is_refused(key: str, value: int) -> None:
    with pytest.raises(ConfigError, match=rf"camera\.{key} cannot be .?{value}"):
        load_config(env={f"ROOMWISE_CAMERA__{key.upper()}": str(value)})


def test_what_is_asked_for_by_itself_can_be_had() -> None:
    assert spec_of(CameraConfig()) == Usb(0)
