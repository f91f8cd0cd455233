"""A source's text says what it is; a password in it is never shown, by nobody."""

import urllib.parse
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from capture.opencv import pipeline
from capture.spec import Csi, Demo, DepthCamera, Network, OnDisk, Spec, Usb, mask_credentials, parse
from core.config import load_config
from core.errors import CaptureError, ConfigError
from core.sections import CameraConfig

# With characters that addresses give a meaning to, and long enough not to stand in the rest by chance.
SECRETS = st.text(st.characters(exclude_categories=["Cs"]), min_size=6, max_size=40)
HOSTS = st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,3})?(:[1-9][0-9]{1,3})?", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("demo", Demo()),
        ("0", Usb(0)),
        (" 12 ", Usb(12)),
        ("/dev/video3", Usb("/dev/video3")),
        ("/dev/v4l/by-id/usb-Some_Camera-video-index0", Usb("/dev/v4l/by-id/usb-Some_Camera-video-index0")),
        ("csi", Csi(0)),
        ("csi:1", Csi(1)),
        ("realsense", DepthCamera("realsense")),
        ("oak", DepthCamera("oak")),
        ("rtsp://host/path?channel=1", Network("rtsp://host/path?channel=1")),
        ("some/folder", OnDisk(Path("some/folder"))),
        ("/videos/0.avi", OnDisk(Path("/videos/0.avi"))),
        ("./0", OnDisk(Path("0"))),
        ("C:\\videos\\a.avi", OnDisk(Path("C:\\videos\\a.avi"))),
    ],
)
def test_what_a_text_means(text: str, spec: Spec) -> None:
    assert parse(text) == spec
    assert isinstance(spec.shown, str) and spec.shown


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "No camera is named"),
        ("   ", "No camera is named"),
        ("123", "There is no camera number 123"),
        ("9" * 5000, "There is no camera number 9{20}\\. "),
        ("csi:x", "csi or csi:1"),
        ("csi:0 ! filesink location=/etc/passwd", "csi or csi:1"),
        ("ftp://host/x", "begins with rtsp://"),
        ("rtsp://", "host or port that cannot be"),
        ("rtsp://host:99999/x", "cannot be read"),
        ("rtsp://host:0/x", "host or port that cannot be"),
        ("rtsp://[::1/x", "cannot be read"),
        ("rtsp://host/a b", "host or port that cannot be"),
        ("rtsp://host/a\x1bb", "host or port that cannot be"),
    ],
)
def test_what_means_nothing_is_refused(text: str, message: str) -> None:
    with pytest.raises(CaptureError, match=message):
        parse(text)


@settings(deadline=None)
@given(st.text())
def test_every_text_means_something_or_is_refused(text: str) -> None:
    try:
        spec = parse(text)
    except CaptureError:
        return
    assert "\n" not in spec.shown or isinstance(spec, OnDisk)


@settings(deadline=None)
@given(SECRETS, SECRETS, HOSTS)
def test_no_name_or_password_is_left_in_what_is_masked(user: str, password: str, host: str) -> None:
    rest = f"://***@{host}/live"
    assume(user not in rest and password not in rest)
    address = f"rtsp://{user}:{password}@{host}/live"
    for text in (address, f"Cannot open {address}. Check it.", repr(Path(address))):
        assert user not in mask_credentials(text) and password not in mask_credentials(text)
        assert mask_credentials(mask_credentials(text)) == mask_credentials(text)
    assert mask_credentials(address) == f"rtsp{rest}" or "=" in address


@settings(deadline=None)
@given(st.text())
def test_masking_again_changes_nothing_and_a_text_without_secrets_stays(text: str) -> None:
    assert mask_credentials(mask_credentials(text)) == mask_credentials(text)
    if "=" not in text and "://" not in text:
        assert mask_credentials(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://host/live?channel=1", "rtsp://host/live?channel=1"),
        ("rtsp://host/x?user=me&password=it&channel=1", "rtsp://host/x?user=me&password=***&channel=1"),
        ("rtsp://host/user=me_password=it_channel=1.sdp", "rtsp://host/user=me_password=***"),
        ("rtsp://a:b@one/x and rtsp://c:d@two/y", "rtsp://***@two/y"),
    ],
)
def test_what_masking_leaves(text: str, shown: str) -> None:
    assert mask_credentials(text) == shown


@settings(deadline=None)
@given(SECRETS, SECRETS, HOSTS)
def test_name_and_password_of_the_settings_go_into_the_address_and_nowhere_else(
    user: str, password: str, host: str
) -> None:
    spec = parse(f"rtsp://{host}/live", user, password)
    assert isinstance(spec, Network)
    parts = urllib.parse.urlsplit(spec.address)
    assert urllib.parse.unquote(parts.username or "") == user
    assert urllib.parse.unquote(parts.password or "") == password
    assert parts.netloc.rpartition("@")[2] == host
    assert spec.shown == f"rtsp://***@{host}/live"
    for secret in (user, password, urllib.parse.quote(user, safe=""), urllib.parse.quote(password, safe="")):
        if secret not in f"Network()rtsp://***@{host}/live":
            assert secret not in f"{spec} {spec!r} {spec.shown}"


@settings(deadline=None)
@given(SECRETS, HOSTS)
def test_an_error_about_an_address_never_repeats_it(password: str, host: str) -> None:
    for text in (f"rtsp://me:{password}@{host}:x/", f"foo://me:{password}@{host}/", f"rtsp://me:{password}@"):
        try:
            spec = parse(text)
        except CaptureError as error:
            assume(password not in "Correct camera.source: rtsp://HOST:554/PATH.")
            assert password not in str(error)
            assert error.__cause__ is None
        else:
            assert isinstance(spec, Network) and password not in spec.shown


def test_an_address_that_has_its_own_login_keeps_it() -> None:
    assert parse("rtsp://a:b@host/x", "c", "d") == Network("rtsp://a:b@host/x")


@pytest.mark.parametrize(
    "source", ["rtsp://me:hidden@host/x", "rtsp://host/x?password=hidden", "RTSP://hidden@host", "x://a@b"]
)
def test_settings_are_shown_so_they_hold_no_login(source: str) -> None:
    with pytest.raises(ConfigError, match="ROOMWISE_CAMERA__PASSWORD") as caught:
        load_config(env={"ROOMWISE_CAMERA__SOURCE": source})
    assert "hidden" not in str(caught.value)


def test_the_password_of_the_settings_is_not_shown() -> None:
    config = load_config(
        env={"ROOMWISE_CAMERA__PASSWORD": "hidden", "ROOMWISE_CAMERA__SOURCE": "rtsp://host"}
    )
    assert "hidden" not in repr(config)
    assert config.camera.password == SecretStr("hidden")


@settings(deadline=None)
@given(st.integers(0, 9), st.integers(16, 7680), st.integers(16, 4320), st.floats(1, 240))
def test_a_csi_camera_is_spelled_out_for_gstreamer(sensor: int, width: int, height: int, rate: float) -> None:
    text = pipeline(sensor, CameraConfig(width=width, height=height, rate=rate))
    assert f"nvarguscamerasrc sensor-id={sensor} !" in text
    assert f"width={width}, height={height}, framerate={round(rate)}/1" in text
    assert text.endswith("appsink drop=true max-buffers=1 sync=false")
    assert text.count("!") == 6 and "{" not in text
