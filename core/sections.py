"""The sections of the configuration: every setting with its type, default, bounds and description.

A section is a table of the file and a part of the names of variables; `core.config` reads both.
"""

import re
from typing import Annotated, Literal

import pydantic

from core.errors import ConfigError
from core.files import expand_user

FILE_NAME = "roomwise.toml"
PREFIX = "ROOMWISE_"
NESTED = "__"


def variable_name(key: str) -> str:
    """The environment variable of a dotted key: student.model -> ROOMWISE_STUDENT__MODEL."""
    return PREFIX + key.replace(".", NESTED).upper()


class _Section(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @pydantic.field_validator("*", mode="before")
    @classmethod
    def _expand(cls, value: object) -> object:
        # No shell has been here: the file, a unit or a container says ~ as it stands.
        return str(expand_user(value)) if isinstance(value, str) and value.startswith("~/") else value


def _check_secret(key: str, value: object) -> object:
    """Refused here and not by its type, since that message would show it."""
    if not isinstance(value, str | pydantic.SecretStr):
        raise ConfigError(
            f"{key} is not a text. Put it in quotes in {FILE_NAME}, or set {variable_name(key)}."
        )
    return value


VISION_TOKENS = 576
"""The most vision tokens of a picture: 24 rows of 24, as LLaVA 1.5 has them."""


class StudentConfig(_Section):
    """The small model on the device."""

    model: str = "builtin-student"
    """Name of a model, or a folder in the hub's layout."""
    max_new_tokens: int = pydantic.Field(default=24, ge=1, le=1024)
    """Longest answer, in tokens."""
    vision_tokens: int = pydantic.Field(default=VISION_TOKENS, ge=16, le=16384)
    """The most vision tokens of a picture, for models that see it in more or less detail (Qwen-VL, LFM2-VL):
    it is brought to the largest square that has no more. Others have a number of their own. No picture is cut
    into tiles."""
    keep_tokens: Annotated[float, pydantic.Field(gt=0, le=1)] | Literal["auto"] = 1.0
    """Share of a picture's vision tokens that are read, those that matter least to the question left out: at
    least 16 stay. 1: all. auto: as few as each room's adapter was found to do as well with."""


class ExpertConfig(_Section):
    """The large model that answers first."""

    model: str = "builtin-expert"
    """Name of a model, a folder in the hub's layout, or the address of an expert on another machine: that of
    a Roomwise expert, https://HOST:PORT, or of a server that speaks as OpenAI's does, https://HOST/v1."""
    looks: int = pydantic.Field(default=5, ge=1, le=5)
    """How often it looks at each frame: the whole, then nearer from up to four corners; its answers are put
    to the vote. Each look takes as long as the first."""
    extra: int = pydantic.Field(default=400, ge=0, le=10_000)
    """How many questions of its own the agent may put to the expert in each room of a session, about frames
    that a person asked about: an equal part of them after each question of the warm-up. Each is a call."""
    remote_model: str = ""
    """The name that a server at an address ending in /v1 serves the expert by."""
    token: pydantic.SecretStr = pydantic.SecretStr("")
    """What the server at an address asks for, if anything. Better set by the variable than in the file."""
    connect_seconds: float = pydantic.Field(default=2.0, gt=0, le=60)
    """The longest wait for a connection to an address."""
    seconds: float = pydantic.Field(default=20.0, gt=0, le=3600)
    """The longest wait for an answer from an address, all attempts together."""
    max_calls: int = pydantic.Field(default=0, ge=0)
    """So many questions are put to an address, then no more. 0: no limit."""
    max_bytes: int = pydantic.Field(default=0, ge=0)
    """So many bytes, sent and received, go to and from an address, then no more. 0: no limit."""
    allow_distillation: bool = False
    """Whether the student may learn from answers of a server at an address ending in /v1. Its terms must
    permit that; before this is true its answers are said and forgotten."""
    plain_http: bool = False
    """Whether frames and token may go unencrypted to other machines, to an address beginning with http://."""
    authority: str = ""
    """A PEM file with the certificate of who signed the server's, or with the server's own, where none of the
    well-known ones signed it."""

    @pydantic.field_validator("token", mode="before")
    @classmethod
    def _text(cls, value: object) -> object:
        return _check_secret("expert.token", value)


class ImagesConfig(_Section):
    """What counts as a picture that can be answered about."""

    max_pixels: int = pydantic.Field(default=50_000_000, ge=1)
    """Larger pictures are refused before they are decoded; width times height."""


class MemoryConfig(_Section):
    """What was said before, and when it is said again."""

    same_question: float = pydantic.Field(default=0.85, ge=-1, le=1)
    """Questions at least so alike, about the same things in the same order, are one question."""
    same_view: float = pydantic.Field(default=0.9, ge=-1, le=1)
    """Frames at least so alike show practically the same view."""
    question_weight: float = pydantic.Field(default=0.5, ge=0, le=1)
    """How much the question counts beside the view when pairs are searched by both."""


class RouterConfig(_Section):
    """Who answers."""

    warm_up: int = pydantic.Field(default=10, ge=0, le=1000)
    """The first questions of a session, all answered by the expert."""
    agreement: float = pydantic.Field(default=0.0, ge=0, le=1)
    """After the warm-up, of the answers that the student gives at least this share is to be what the expert
    would say; where that cannot be expected the expert is asked. 0: never asked; 1: always."""
    scope: float = pydantic.Field(default=0.75, ge=-1, le=1)
    """Questions at least so alike to one that a person asked and the adapter was taught are its own; others
    the student answers without it, since what it learnt would only lead it astray. -1: all are,"""
    scope_view: float = pydantic.Field(default=0.45, ge=-1, le=1)
    """if they are about a view at least so alike."""
    known_view: float = pydantic.Field(default=0.6, ge=-1, le=1)
    """Views at least so alike to one of which the adapter was taught much are its own, whatever is asked."""


class AdaptationConfig(_Section):
    """When and how long the student learns from the expert's answers."""

    least_pairs: int = pydantic.Field(default=4, ge=1)
    """With fewer pairs of a room there is nothing to learn from."""
    again_after: int = pydantic.Field(default=5, ge=1)
    """So many new pairs later it learns again."""
    seconds: float = pydantic.Field(default=120.0, gt=0)
    """The longest an adaptation may take."""
    home_seconds: float = pydantic.Field(default=600.0, gt=0)
    """The longest it may take to consolidate what all rooms taught into what a new room begins with."""
    hottest: float = pydantic.Field(default=95.0, ge=0, le=150)
    """So hot, in °C, the machine learns nothing until it is 5 cooler. 0: however hot it is."""
    most_watts: float = pydantic.Field(default=0.0, ge=0)
    """Where the board draws so much it learns nothing until it draws a tenth less. 0: no limit."""


class CameraConfig(_Section):
    """What the room is seen with."""

    source: str = pydantic.Field(default="0", coerce_numbers_to_str=True)
    """A USB camera by number or device file (0, /dev/video0), csi:0 on a Jetson, an address beginning with
    rtsp://, realsense, oak, a video file, a folder of pictures, a recorded session, or demo."""
    user: str = ""
    """The name that a camera with an address asks for, if any."""
    password: pydantic.SecretStr = pydantic.SecretStr("")
    """The password that goes with it. Better set by the variable than in the file."""
    width: int = pydantic.Field(default=1280, ge=16, le=7680)
    """Pixels in a row that the camera is asked for. It may give others."""
    height: int = pydantic.Field(default=720, ge=16, le=4320)
    """Rows that it is asked for."""
    rate: float = pydantic.Field(default=30.0, ge=1, le=240)
    """Pictures a second that it is asked for."""
    oldest_ms: int = pydantic.Field(default=2000, ge=50, le=60_000)
    """A question is not answered about a picture that is older, in milliseconds."""
    stalled_seconds: float = pydantic.Field(default=3.0, ge=0.2, le=60)
    """After so long without a picture the camera is opened again."""
    longest_pause_seconds: float = pydantic.Field(default=3.0, ge=0.5, le=60)
    """The longest pause between two attempts to open a camera that is gone. The first is half a second."""
    picture_seconds: float = pydantic.Field(default=3.0, gt=0, le=3600)
    """How long each picture of a folder is seen, and the last one of a recorded session."""
    repeat: bool = True
    """Whether a video, a folder or a recorded session begins again at its end."""

    @pydantic.field_validator("password", mode="before")
    @classmethod
    def _text(cls, value: object) -> object:
        return _check_secret("camera.password", value)

    @pydantic.field_validator("source")
    @classmethod
    def _no_credentials(cls, value: str) -> str:
        """Refused without repeating it, since settings are shown and recorded."""
        address = value.partition("://")[2]
        if "@" in address or re.search("(pass|pwd|token|secret)[^=&]*=", address, re.IGNORECASE):
            raise ConfigError(
                "camera.source holds a name or a password. Take them out, "
                "and set camera.user and ROOMWISE_CAMERA__PASSWORD."
            )
        return value


class VoiceConfig(_Section):
    """How questions are heard and answers spoken."""

    listen: Literal["key", "open"] = "key"
    """When the microphone is listened to: while a key is held, or all the time."""
    microphone: str = pydantic.Field(default="", coerce_numbers_to_str=True)
    """Number or a part of the name of a microphone, as python -m sounddevice lists them, or a sound file.
    Empty: the system's own choice."""
    activity: Literal["auto", "silero", "energy"] = "auto"
    """What tells speech from other sound: Silero's network or how loud it is. auto: Silero's if installed."""
    pause_seconds: float = pydantic.Field(default=0.6, ge=0.2, le=5)
    """So long without speech ends a question."""
    shortest_seconds: float = pydantic.Field(default=0.25, ge=0, le=1)
    """With less speech in it, it is none."""
    longest_seconds: float = pydantic.Field(default=30.0, ge=1, le=30)
    """After so long it is cut, at its quietest point."""
    above_room_db: float = pydantic.Field(default=6.0, ge=0, le=60)
    """How much louder than the room speech has to be, in dB."""
    engine: Literal["openai", "faster"] = "openai"
    """What runs Whisper: openai-whisper, or faster-whisper, which is installed by itself."""
    whisper: str = "tiny.en"
    """Name of a Whisper model, or the path of a checkpoint of openai-whisper."""
    whisper_folder: str = ""
    """Where models are found by name; empty: ~/.cache/whisper. None is ever downloaded in a session."""
    language: str = "en"
    """What is spoken, as a code. Empty: Whisper guesses."""
    hint: str = pydantic.Field(default="What colour is it? How many are there? Where is it?", max_length=500)
    """What questions are like, in the language that is spoken, and names that are said often: Whisper leans
    towards them. Empty: it leans nowhere."""
    speak: bool = False
    """Whether answers are spoken too."""
    voice: str = "en-us"
    """A voice of espeak-ng, or the path of a piper voice, a file ending in .onnx."""


class AttachConfig(_Section):
    """Dashboards on other machines."""

    token: pydantic.SecretStr = pydantic.SecretStr("")
    """What a dashboard must send that does not come through the local socket, on both sides. Better set by
    the variable than in the file."""

    @pydantic.field_validator("token", mode="before")
    @classmethod
    def _text(cls, value: object) -> object:
        return _check_secret("attach.token", value)


class ScreenConfig(_Section):
    """The dashboard."""

    theme: Literal["dark", "light"] = "dark"
    """Light or dark at the beginning; a key changes it."""
    pictures: Literal["cells", "kitty", "sixel"] = "cells"
    """How pictures are drawn. Cells work everywhere, over SSH, in tmux and in a browser; kitty and sixel are
    sharper in terminals that speak these protocols, and need the library textual-image."""


class NetworkConfig(_Section):
    """Other machines."""

    offline: bool = False
    """No connection is made, whatever asks for one."""
