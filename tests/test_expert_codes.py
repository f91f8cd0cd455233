"""A map travels as its code where both sides have the same autoencoder, and not otherwise."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient
from PIL.Image import Transpose
from tiny_maps import untrained
from tiny_memory import jpeg
from tiny_models import QUESTIONS, photo, tiny_florence, wrapped

from adapters.training.codes import transfer_name
from bench.pretrain.blueprint import save_model
from bench.studies.distill.transfer import save_transfer
from expert.panel import Coder, load_coder
from expert.serve import ServerOptions, open_application
from models.remote.wire import sizes, unpack


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept") / "transfer"
    save_transfer(untrained(), folder)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("models") / "expert"
    save_model(*tiny_florence(), folder, torch.float32)
    return str(folder)


def test_a_code_is_of_its_own_question_and_frame(folder: Path) -> None:
    vlm = wrapped(*tiny_florence(attention="eager"))
    coder = load_coder(vlm, folder)
    seen = [vlm.encode_images([photo()]), vlm.encode_images([photo().transpose(Transpose.FLIP_LEFT_RIGHT)])]
    together = coder.codes([seen[0], seen[1], seen[0]], [QUESTIONS[0]] * 2 + [QUESTIONS[1]], ["red"] * 3)
    assert together.dtype == np.float16 and len(together) == 3
    alone = coder.codes([seen[1]], [QUESTIONS[0]], ["red"])
    assert together[1] == pytest.approx(alone[0], abs=1e-2)
    assert not np.array_equal(together[0], together[1]) and not np.array_equal(together[0], together[2])
    assert isinstance(coder, Coder) and coder.name == transfer_name(folder)


def _asked(client: TestClient, transfer: str, signals: list[str]) -> Any:
    ask = {"questions": ["What is it?"], "signals": signals, "transfer": transfer}
    files = {"frame": ("f.jpg", jpeg(0), "image/jpeg")}
    return client.post("/v1/answers", files=files, data={"ask": json.dumps(ask)})


def test_the_code_is_shipped_under_its_autoencoders_name_alone(model: str, folder: Path) -> None:
    with open_application(ServerOptions(model, looks=1, transfer=folder)) as app:
        client = TestClient(app, base_url="http://localhost")
        name = client.get("/healthz").json()["transfer"]
        assert name == transfer_name(folder)
        reply = _asked(client, name, ["code"])
        (said,) = unpack(reply.content)[1]
        assert said.optional.code is not None and said.reply.signal is None
        assert set(sizes(reply.content)) == {"words", "code"}
        for other in ("", "0" * 64):
            refused = _asked(client, other, ["code"])
            assert refused.status_code == 422 and "autoencoder" in refused.json()["error"]["message"]


def test_without_an_autoencoder_there_is_no_code(model: str) -> None:
    with open_application(ServerOptions(model, looks=1)) as app:
        client = TestClient(app, base_url="http://localhost")
        assert client.get("/healthz").json()["transfer"] == ""
        assert _asked(client, "0" * 64, ["code"]).status_code == 422
