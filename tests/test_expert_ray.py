"""The expert on Ray: what Ray is told; two replicas answer, and only the plan's address is open to others."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from tiny_jobs import save_student
from tiny_memory import jpeg
from tiny_server import TOKEN

import roomwise
from core.errors import ConfigError, UnknownModelError
from core.lazy import run
from expert import scale
from expert.scale import Replicas, serve_on_ray
from expert.serve import ServerOptions

ROOT = Path(__file__).resolve().parent.parent
on_a_ray = pytest.mark.skipif(find_spec("ray") is None, reason="needs ray: pip install -e '.[ray]'")
CORES = {"CPU": 8.0, "memory": 1e9}


def test_as_many_replicas_as_are_wanted_share_the_cores() -> None:
    told = Replicas(4, 4).deployment_options(CORES, 32, 256)
    assert told["num_replicas"] == 4 and "autoscaling_config" not in told
    assert told["ray_actor_options"] == {"num_cpus": 2, "num_gpus": 0}
    assert told["max_ongoing_requests"] >= 256  # the desk refuses, not Ray


def test_with_gpus_each_replica_has_one() -> None:
    assert (
        Replicas(2, 2).deployment_options({**CORES, "GPU": 2.0}, 32, 256)["ray_actor_options"]["num_gpus"]
        == 1
    )
    with pytest.raises(ConfigError, match=r"3 replicas need 3 GPUs, and Ray has 2\. .* at most 2"):
        Replicas(3, 3).deployment_options({**CORES, "GPU": 2.0}, 32, 256)


def test_there_are_more_while_many_ask() -> None:
    told = Replicas(1, 16).deployment_options(CORES, 32, 256)
    scaling = told["autoscaling_config"]
    assert (scaling["min_replicas"], scaling["max_replicas"]) == (1, 16) and "num_replicas" not in told
    assert 1 <= scaling["target_ongoing_requests"] < told["max_ongoing_requests"]
    assert told["ray_actor_options"]["num_cpus"] == 1


def test_fewer_cores_than_replicas_is_said() -> None:
    with pytest.raises(ConfigError, match="9 replicas need 9 CPUs, and Ray has 8"):
        Replicas(9, 9).deployment_options(CORES, 32, 256)


def test_what_is_wrong_is_said_before_ray_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(scale, "_ray", lambda alone: pytest.fail("it was started"))
    with pytest.raises(UnknownModelError):
        serve_on_ray(ServerOptions("builtin-nothing"), Replicas())
    with pytest.raises(ConfigError, match="a token is needed"):
        serve_on_ray(ServerOptions("builtin-student", host="0.0.0.0"), Replicas())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"Cannot listen on 127.0.0.1:{port}.*Choose another --port"):
            serve_on_ray(ServerOptions("builtin-student", port=port), Replicas())


def test_the_last_line_says_why_replicas_did_not_begin() -> None:
    trace = "Error:\nTraceback ...\ncore.errors.WeightsError: The weights: damaged. Get them again.\n"
    told = SimpleNamespace(message="Failed.", deployments={scale.NAME: SimpleNamespace(message=trace)})
    serve = SimpleNamespace(status=lambda: SimpleNamespace(applications={scale.NAME: told}))
    assert scale._reason(serve) == "The weights: damaged. Get them again."  # type: ignore[arg-type]
    told.deployments = {}
    assert scale._reason(serve) == "Failed."  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--replicas", "2"], "Add --ray."),
        (["--most-replicas", "2"], "Add --ray."),
        (["--ray", "--replicas", "3", "--most-replicas", "2"], "Raise --most-replicas."),
        (["--ray", "--replicas", "0"], "--replicas"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(roomwise.app, "roomwise", ["expert", "serve", *options]) == 2
    assert said in capsys.readouterr().err


def test_without_ray_the_install_line_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    command = ["expert", "serve", "--ray", "--model", "builtin-student", "--port", str(free_port())]
    assert run(roomwise.app, "roomwise", command) == 2
    assert "pip install 'roomwise[ray]'" in capsys.readouterr().err


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@dataclass(frozen=True)
class Running:
    """A server on Ray. `mark` is in the environment of each of its processes, `files` is Ray's folder."""

    process: "subprocess.Popen[str]"
    address: str
    mark: str
    files: Path

    def ask(self, question: str, token: str = TOKEN) -> httpx.Response:
        """One question."""
        return httpx.post(
            f"{self.address}/v1/answers",
            files={"frame": ("frame.jpg", jpeg(0), "image/jpeg")},
            data={"ask": json.dumps({"questions": [question], "signals": []})},
            headers={"Authorization": f"Bearer {token}"}, timeout=60, trust_env=False,
        )  # fmt: skip

    def answered(self) -> dict[str, float]:
        """How many questions the replica has answered that this request happens to meet, by when it began."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        told = httpx.get(f"{self.address}/metrics", headers=headers, trust_env=False, timeout=60).text
        found = dict(
            line.split() for line in told.splitlines() if line.startswith("roomwise_expert_questions_")
        )
        return {found["roomwise_expert_questions_created"]: float(found["roomwise_expert_questions_total"])}

    def processes(self) -> list[Path]:
        """Its processes and Ray's, below /proc."""
        return [one for one in Path("/proc").glob("[0-9]*") if self.mark.encode() in read(one / "environ")]

    def healthy(self) -> bool:
        """Whether a replica answers."""
        assert self.process.poll() is None, self.process.communicate()[1]
        try:
            return httpx.get(f"{self.address}/healthz", trust_env=False, timeout=60).status_code == 200
        except httpx.TransportError:
            return False


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    model, port = save_student(tmp_path_factory.mktemp("models") / "tiny"), free_port()
    files = Path(tempfile.mkdtemp(prefix="rw-", dir="/tmp"))  # sockets are made below it: a short path
    mark = os.urandom(32).hex()
    process = subprocess.Popen(
        [
            sys.executable, "-m", "roomwise", "expert", "serve", "--ray", "--replicas", "2",
            "--model", model, "--looks", "1", "--port", str(port),
        ],
        cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={
            **{name: text for name, text in os.environ.items() if not name.startswith(("ROOMWISE", "RAY_"))},
            "ROOMWISE_HOME": str(files / "home"), "ROOMWISE_EXPERT__TOKEN": TOKEN,
            "RAY_AUTH_TOKEN": mark, "RAY_TMPDIR": str(files),
        },
    )  # fmt: skip
    running = Running(process, f"http://127.0.0.1:{port}", mark, files)
    try:
        end = time.monotonic() + 240
        met: set[str] = set()
        while len(met) < 2:
            assert time.monotonic() < end
            met |= running.answered().keys() if running.healthy() else set()
            time.sleep(0.05)
        yield running
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
        shutil.rmtree(files, ignore_errors=True)


@on_a_ray
@pytest.mark.slow
def test_two_replicas_share_forty_questions_of_eight_threads(server: Running) -> None:
    with ThreadPoolExecutor(8) as pool:
        codes = [reply.status_code for reply in pool.map(server.ask, map(str, range(40)))]
    assert codes == [200] * 40
    answered: dict[str, float] = {}
    end = time.monotonic() + 60
    while len(answered) < 2 and time.monotonic() < end:
        answered |= server.answered()
    assert len(answered) == 2 and sum(answered.values()) == 40 and min(answered.values()) > 0


@on_a_ray
@pytest.mark.slow
def test_the_token_is_needed_on_ray_too(server: Running) -> None:
    refused = server.ask("What is it?", token="wrong")
    assert refused.status_code == 401 and refused.json()["error"]["code"] == "token"
    assert server.ask("What is it?").status_code == 200


@on_a_ray
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_ray_is_not_told_the_token_where_others_could_read_it(server: Running) -> None:
    secret = TOKEN.encode()
    others = [one for one in server.processes() if one.name != str(server.process.pid)]
    assert len(others) > 4
    for one in others:
        assert secret not in read(one / "environ") and secret not in read(one / "cmdline")
    written = [path for path in server.files.rglob("*") if path.is_file()]
    assert any("serve" in path.parts for path in written)
    assert not [path for path in written if secret in read(path) or server.mark.encode() in read(path)]


@on_a_ray
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_others_reach_the_address_of_the_plan_alone(server: Running) -> None:
    owned = {os.readlink(file) for one in server.processes() for file in (one / "fd").iterdir()}
    listening = [
        columns[1].partition(":")[0]
        for table in ("tcp", "tcp6")
        for line in Path("/proc/net", table).read_text().splitlines()[1:]
        if (columns := line.split())[3] == "0A" and f"socket:[{columns[9]}]" in owned
    ]
    loopback = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
    assert len(listening) > 4 and set(listening) <= loopback


@on_a_ray
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_interrupted_all_of_it_ends(server: Running) -> None:
    server.process.send_signal(signal.SIGINT)
    _, said = server.process.communicate(timeout=60)
    assert server.process.returncode == 130 and "Traceback" not in said
    end = time.monotonic() + 20
    while server.processes() and time.monotonic() < end:
        time.sleep(0.2)
    assert not server.processes()
