"""The same application on Ray Serve: replicas that each hold the model, behind one address.

A replica is `expert.serve.open_application` in its own process. The desk makes the batches: `serve.batch`
would wait for one to fill. Every replica loads the weights from its own disk. The token travels once,
within the pickled deployment, wrapped so that no representation shows it.
"""

import contextlib
import logging
import os
import secrets
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from fastapi import FastAPI
from pydantic import SecretStr

from core.errors import ConfigError, ModelError
from core.extras import require
from core.sections import variable_name
from expert.serve import ServerOptions, open_application
from models.registry import model_folder

NAME = "roomwise-expert"
ADDRESS = "RAY_ADDRESS"
"""The variable that names a cluster to join; without it a private Ray is started."""
_STORE = 256 * 1024 * 1024
"""Bytes of shared memory between processes; a request is at most eight million."""
_KEEP_ALIVE, _PATIENCE = 30, 5  # seconds
_LOGS = "/tmp/ray/session_latest/logs/serve"


@dataclass(frozen=True)
class Replicas:
    """At `least` so many, up to `most` under load."""

    least: int = 1
    most: int = 1

    def deployment_options(self, resources: Mapping[str, float], batch: int, queue: int) -> dict[str, Any]:
        """Ray Serve's options, `resources` being the cluster's. Each replica has one GPU where there are any,
        and an equal part of the cores. Requests are let through as far as the desk's queue goes, so that the
        desk refuses. Raises ConfigError where there are too few GPUs or cores.
        """
        kind = "GPU" if resources.get("GPU") else "CPU"
        available = int(resources.get(kind, 0))
        if self.least > available:
            raise ConfigError(
                f"{self.least} replicas need {self.least} {kind}s, and Ray has {available}. "
                f"Set --replicas to at most {available}."
            )
        cores = max(1, int(resources.get("CPU", 1)) // self.most)
        options: dict[str, Any] = {
            "ray_actor_options": {"num_cpus": cores, "num_gpus": int(kind == "GPU")},
            "max_ongoing_requests": 2 * queue,
            "graceful_shutdown_timeout_s": _PATIENCE,
        }
        if self.most == self.least:
            return {**options, "num_replicas": self.least}
        scaling = {
            "min_replicas": self.least, "initial_replicas": self.least, "max_replicas": self.most,
            # Devices put ten questions to a request: with more than this, some wait for the next batch.
            "target_ongoing_requests": max(1, batch // 10),
        }  # fmt: skip
        return {**options, "autoscaling_config": scaling}


def serve_on_ray(plan: ServerOptions, replicas: Replicas) -> None:
    """Serve until SIGINT or SIGTERM. Raises ConfigError, UnknownModelError, WeightsError, ModelError,
    MissingDependencyError.
    """
    plan.check()
    alone = ADDRESS not in os.environ
    if alone:
        model_folder(plan.model)
        _check_free(plan.host, plan.port)
    with _ray(alone) as ray:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        options = replicas.deployment_options(ray.cluster_resources(), plan.batch, plan.queue)
        if ray.serve.status().applications:
            raise ConfigError(f"Ray serves something already. Name another in {ADDRESS}, or leave it unset.")
        try:
            _deploy(ray.serve, plan, options, alone)
            while True:
                time.sleep(1)
        finally:
            ray.serve.shutdown()


def _check_free(host: str, port: int) -> None:
    """Raises ConfigError where something else listens, which Ray would report late and at length."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise ConfigError(
            f"Cannot listen on {host}:{port}: {error}. Choose another --port or --host."
        ) from error


@contextlib.contextmanager
def _ray(alone: bool) -> Iterator[ModuleType]:
    """Ray: started and ended here where `alone`, else the cluster at RAY_ADDRESS."""
    own: dict[str, Any] = {}
    if alone:
        _keep_to_this_machine()
        own = {"address": "local", "include_dashboard": False, "object_store_memory": _STORE}
    with _without(variable_name("expert.token")):
        ray = require("ray", "ray")
        require("ray.serve", "ray")
        logging.getLogger("ray.serve").setLevel(logging.WARNING)
        ray.init(log_to_driver=False, logging_level=logging.WARNING, **own)
    try:
        yield ray
    finally:
        ray.shutdown()


def _keep_to_this_machine() -> None:
    """A private Ray sends no usage data, listens on the loopback, and obeys only holders of its secret."""
    os.environ |= {
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # its switch, on every system, for nodes elsewhere
        "RAY_AUTH_MODE": "token",
    }
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))


@contextlib.contextmanager
def _without(variable: str) -> Iterator[None]:
    """Hide a variable from processes that are started in the context."""
    value = os.environ.pop(variable, None)
    try:
        yield
    finally:
        if value is not None:
            os.environ[variable] = value


def _deploy(serve: ModuleType, plan: ServerOptions, options: Mapping[str, Any], alone: bool) -> None:
    """Put the replicas behind the plan's address; returns when they answer."""
    logs = {"enable_access_log": False, "log_level": "WARNING"}
    http = {
        "host": plan.host, "port": plan.port, "keep_alive_timeout_s": _KEEP_ALIVE,
        "ssl_certfile": plan.certificate and str(plan.certificate), "ssl_keyfile": plan.key and str(plan.key),
    }  # fmt: skip
    serve.start(proxy_location="HeadOnly", http_options=http, logging_config=logs)
    application = serve.ingress(_builder(plan, alone))()
    deployment = serve.deployment(application, name=NAME, logging_config=logs, **options)
    try:
        serve.run(deployment.bind(), name=NAME, route_prefix="/")
    except RuntimeError as error:
        raise ModelError(f"The replicas did not begin: {_reason(serve)} All they said: {_LOGS}.") from error


def _reason(serve: ModuleType) -> str:
    """The last line of the replicas' failure, without the exception's name."""
    status = serve.status().applications[NAME]
    message = status.deployments[NAME].message if NAME in status.deployments else status.message
    last: str = (message.strip().splitlines() or [""])[-1]
    return last.partition(": ")[2] or last


def _builder(plan: ServerOptions, alone: bool) -> Callable[[], FastAPI]:
    """Builds the application where it is called: in a replica."""
    open_plan, token = replace(plan, token=""), SecretStr(plan.token)

    def build() -> FastAPI:
        if alone:
            _listen_here()
        stack = ExitStack()
        app = stack.enter_context(open_application(replace(open_plan, token=token.get_secret_value())))
        app.state.held = stack  # open as long as the application is, that is as the process
        return app

    return build


def _listen_here() -> None:
    """Make a replica listen on the loopback; no setting of Ray does that."""
    replica: Any = require("ray.serve._private.replica", "ray")
    add_port = getattr(replica, "add_port_to_grpc_server", None)
    if add_port is not None:  # else Ray's secret alone guards it
        replica.add_port_to_grpc_server = lambda server, address: add_port(
            server, address.replace("[::]", "127.0.0.1")
        )
