"""The service over HTTP, beside a bare FastAPI app under the same load."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from training.bench.comments import make_comments
from training.bench.measure import Measured, at_least, at_most, ratios
from training.bench.processes import Server, free_port, pin, serving

_LOAD_SECONDS = 3.0
_BODIES = 2_000
_PATIENCE = 300.0
"""Seconds until a load run is given up."""
_REQUEST = 1_000
"""Comments in a large request."""

Body = dict[str, Any]


def service_command(models: Path, port: int) -> list[str]:
    """The service, one worker."""
    command = [sys.executable, "-m", "service.cli", "serve", "--port", str(port)]
    return [*command, "--models", str(models.resolve())]


def bare_command(port: int) -> list[str]:
    """The bare app in the same server."""
    app = ["-m", "uvicorn", "training.bench.bare:app", "--port", str(port), "--log-level", "warning"]
    return [sys.executable, *app]


def load(
    folder: Path, server: Server, path: str, connections: int, bodies: Sequence[Any]
) -> dict[str, float]:
    """What the load generator on the second core found; any failed request is an error.

    «rate» is in requests per second that the server keeps its core busy: on an idle machine with enough
    connections that is requests a second, and on a busy one it is still the server's own cost.
    """
    task = {"port": server.port, "path": path, "connections": connections, "seconds": _LOAD_SECONDS}
    file = folder / "load.json"
    file.write_text(json.dumps(task | {"bodies": list(bodies)}, ensure_ascii=False), encoding="utf-8")
    command = [sys.executable, "-m", "training.bench.load", str(file)]
    busy = server.core_seconds()
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, preexec_fn=pin(1), timeout=_PATIENCE
    )
    found: dict[str, float] = json.loads(done.stdout)
    if found["failed"]:
        raise RuntimeError(f"{found['failed']:.0f} requests to port {server.port} failed")
    return found | {"rate": found["requests"] / (server.core_seconds() - busy)}


def measure_requests(models: Path, texts: Sequence[str], folder: Path, rounds: int) -> list[Measured]:
    """Single comments, and a thousand in a request."""
    singles = [_body([text]) for text in texts[:_BODIES]]
    large = [_body(texts[i * _REQUEST : (i + 1) * _REQUEST]) for i in range(4)]
    ours, bare = _found(), _found()
    a, b = free_port(), free_port()
    with (
        serving(service_command(models, a), a, "/readyz", folder) as service,
        serving(bare_command(b), b, "/readyz") as other,
    ):
        started_mib = service.resident_mib()
        for body in (singles, large):
            load(folder, service, "/v1/predict", 1, body)
        for _ in range(rounds):
            for found, server in ((ours, service), (bare, other)):
                found["one"].append(load(folder, server, "/v1/predict", 1, singles)["rate"])
                many = load(folder, server, "/v1/predict", 32, singles)
                found["many"].append(many["rate"])
                found["p99"].append(many["p99"])
            rate = load(folder, service, "/v1/predict", 1, large)["rate"]
            ours["large"].append(rate * _REQUEST)
    return [
        at_least("requests/s, one comment a request, 32 connections", ours["many"], None),
        at_least("ratio to a bare FastAPI app, 32 connections", ratios(ours["many"], bare["many"]), 0.6),
        at_least("ratio to a bare FastAPI app, 1 connection", ratios(ours["one"], bare["one"]), 0.6),
        at_most("ratio of the p99 to the bare app's, 32 connections", ratios(ours["p99"], bare["p99"]), 2),
        at_least("comments/s, 1,000 comments in a request", ours["large"], 15_000),
        at_most("MiB, resident memory of a serving worker at start", [started_mib], 180),
    ]


def measure_start(models: Path, folder: Path, rounds: int) -> list[Measured]:
    """From the start of the process to the first good answer, beside the bare app's."""
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(rounds):
        port = free_port()
        with serving(service_command(models, port), port, "/readyz", folder) as server:
            ours.append(server.seconds)
        port = free_port()
        with serving(bare_command(port), port, "/readyz") as server:
            bare.append(server.seconds)
    more = [a - b for a, b in zip(ours, bare, strict=True)]
    return [
        at_most("seconds from start to ready", ours, None),
        at_most("seconds more than a bare FastAPI app", more, 0.5),
    ]


def measure_memory(models: Path, texts: Sequence[str], folder: Path, n: int) -> list[Measured]:
    """The worker's memory after very many distinct comments."""
    comments = make_comments(texts, seed=4)
    port = free_port()
    with serving(service_command(models, port), port, "/readyz", folder) as service:
        for bodies in _large_bodies(comments, n):
            load(folder, service, "/v1/predict", 1, bodies)
        mib = service.resident_mib()
    return [at_most(f"MiB, resident memory after {n:,} distinct comments", [mib], 280)]


def _large_bodies(comments: Iterator[str], n: int) -> Iterator[list[Body]]:
    for _ in range(0, n, 50 * _REQUEST):
        yield [_body(list(islice(comments, _REQUEST))) for _ in range(50)]


def _body(texts: Sequence[str]) -> Body:
    return {"comments": [{"id": str(i), "text": text, "score": i % 11} for i, text in enumerate(texts)]}


def _found() -> dict[str, list[float]]:
    return {"one": [], "many": [], "p99": [], "large": []}
