"""The server as a process: load the model, serve the application until stopped."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from core.allocation import keep_freed_memory
from core.errors import ConfigError
from core.hosts import is_loopback
from expert.app import ServerContext, application
from expert.asking import RequestLimits
from expert.connection import BoundedProtocol
from expert.desk import Desk
from expert.door import AccessRules, Rate
from expert.metrics import ServerMetrics
from expert.panel import RequestBatcher, load_coder
from expert.served import Served
from models.expert import LocalExpert
from models.registry import load_model

_KEEP_ALIVE = 30
_LONGEST = 24


@dataclass(frozen=True)
class ServerOptions:
    """What is served to whom. `rate`: requests a second of one client, 0 for any; `batch`, `queue`:
    questions. `certificate` and `key` are PEM files; `transfer` is the folder of an autoencoder that devices
    have as well.
    """

    model: str
    host: str = "127.0.0.1"
    port: int = 8765
    token: str = field(default="", repr=False)
    looks: int = 5
    batch: int = 32
    queue: int = 256
    rate: float = 50.0
    distillation: bool = True
    limits: RequestLimits = field(default_factory=RequestLimits)
    certificate: Path | None = None
    key: Path | None = None
    transfer: Path | None = None

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """Names this server goes by; empty for any. Without a token a web page could otherwise reach it by a
        name of its own that leads here.
        """
        return frozenset() if self.token else frozenset({"localhost", "127.0.0.1", "::1", self.host.lower()})

    def check(self) -> None:
        """Raises ConfigError for what would be unsafe or could not work."""
        if not self.token and not is_loopback(self.host):
            raise ConfigError(
                f"{self.host} can be reached from other machines, so a token is needed. "
                "Set ROOMWISE_EXPERT__TOKEN, for example to the output of: openssl rand -hex 32"
            )
        if (self.certificate is None) != (self.key is None):
            raise ConfigError(
                "TLS takes a certificate and its key. Give both: --tls-cert FILE --tls-key FILE"
            )
        for path in (self.certificate, self.key):
            if path is not None and not path.is_file():
                raise ConfigError(f"No file at {path}. Check the path.")


@contextmanager
def open_application(plan: ServerOptions) -> Iterator[FastAPI]:
    """The application with its model and thread. Raises UnknownModelError, WeightsError."""
    keep_freed_memory()
    metrics = ServerMetrics()
    with ThreadPoolExecutor(1, thread_name_prefix="expert") as thread:
        # With a second computing thread OpenMP's threads wait for each other: a third slower on two cores.
        panel, served = thread.submit(_load, plan).result()
        with Desk(panel, thread, plan.batch, plan.queue, metrics.batch) as desk:
            context = ServerContext(desk, served, plan.limits, metrics)
            rate = Rate(plan.rate, burst=max(1, int(4 * plan.rate)))
            rules = AccessRules(plan.token, rate, plan.limits.body_bytes, plan.allowed_hosts)
            yield application(context, rules)


def _load(plan: ServerOptions) -> tuple[RequestBatcher, Served]:
    vlm = load_model(plan.model, attention="eager")
    coder = None if plan.transfer is None else load_coder(vlm, plan.transfer)
    name = "" if coder is None else coder.name
    served = Served(vlm.name, vlm.tokenizer, plan.looks, plan.distillation, name)
    return RequestBatcher(LocalExpert(vlm, _LONGEST, plan.looks), coder), served


def server_of(app: FastAPI, plan: ServerOptions) -> uvicorn.Server:
    """The HTTP server, not yet running. It logs no requests, to keep addresses and tokens private."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=plan.host,
            port=plan.port,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,  # a client may not say who it is
            http=BoundedProtocol,
            ws="none",
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=5,
            h11_max_incomplete_event_size=64 * 1024,
            ssl_certfile=plan.certificate,
            ssl_keyfile=plan.key,
        )
    )


def serve(plan: ServerOptions) -> None:
    """Serve until interrupted. Raises ConfigError, UnknownModelError, WeightsError."""
    plan.check()
    with open_application(plan) as app:
        server_of(app, plan).run()
