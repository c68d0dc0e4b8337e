"""The speed of the peers, each in its environment under `var/bench`."""

import json
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from training.bench.measure import Measured, at_least, ratios
from training.bench.processes import free_port, pin, serving
from training.peers import FASTTEXT, SPACY, Peer, make_environment, run_peer
from training.settings import PROJECT

_SPACY_TRAIN = 2_000
"""Comments that spaCy learns from: speed does not depend on how well it learns."""
_MLSERVER = ("mlserver==1.7.1",)
_PIPELINE = ("numpy", "scipy", "scikit-learn", "joblib", "threadpoolctl", "natasha", "pydantic", "pyyaml",
             "blake3", "pymorphy3", "pymorphy3-dicts-ru", "DAWG2", "tqdm")  # fmt: skip
"""What the plain pipeline needs, in the versions of this environment."""

Example = tuple[str, Sequence[str]]


def measure_fasttext(
    folder: Path, train: Sequence[Example], texts: Sequence[str], rounds: int
) -> list[float]:
    """Comments/s of fastText's Python call."""
    return _rates(replace(FASTTEXT, options={"epoch": 5}), folder, train, texts, rounds)


def measure_spacy(folder: Path, train: Sequence[Example], texts: Sequence[str], rounds: int) -> list[float]:
    """Comments/s of spaCy's textcat."""
    return _rates(
        replace(SPACY, options=SPACY.options | {"epochs": 1}), folder, train[:_SPACY_TRAIN], texts, rounds
    )


def measure_mlserver(
    folder: Path, models: Path, texts: Sequence[str], ours: Sequence[float], rounds: int
) -> list[Measured]:
    """Requests/s of the plain pipeline behind MLServer, one comment a request, beside `ours`."""
    from training.bench.http import load

    here = (f"{name}=={version(name)}" for name in _PIPELINE)
    python = make_environment(folder / "mlserver", (*_MLSERVER, *here))
    port, own = free_port(), folder / "mlserver-model"
    _write_mlserver_model(own, port)
    inputs = [{"name": "text", "shape": [1], "datatype": "BYTES", "data": [text]} for text in texts]
    bodies = [{"inputs": [one]} for one in inputs]
    command = ["env", f"PYTHONPATH={PROJECT}", f"OTKLIK_MODELS={models.resolve()}"]
    command += [str(python), "-m", "mlserver.cli.main", "start", str(own)]
    with serving(command, port, "/v2/models/plain/ready") as server:
        load(folder, server, "/v2/models/plain/infer", 8, bodies)
        rates = [load(folder, server, "/v2/models/plain/infer", 32, bodies)["rate"] for _ in range(rounds)]
    rows = [at_least("requests/s, the plain pipeline behind MLServer, 32 connections", rates, None)]
    if ours:
        goal = "ratio to the plain pipeline behind MLServer, 32 connections"
        rows.append(at_least(goal, ratios(ours, rates), 6))
    return rows


def _rates(
    peer: Peer, folder: Path, train: Sequence[Example], texts: Sequence[str], rounds: int
) -> list[float]:
    labels = sorted({label for _, own in train for label in own})
    answers = [(text, {label: label in own for label in labels}) for text, own in train]
    task = {"labels": labels, "train": answers, "texts": list(texts), "rounds": rounds}
    return run_peer(peer, folder, task, prepare=pin(0))


def _write_mlserver_model(folder: Path, port: int) -> None:
    folder.mkdir(exist_ok=True)
    settings = {
        "http_port": port, "grpc_port": free_port(), "metrics_port": free_port(), "host": "127.0.0.1",
        "parallel_workers": 0, "debug": False,
    }  # fmt: skip
    runtime = "training.bench.peers.mlserver_peer.PlainRuntime"
    model = {"name": "plain", "implementation": runtime}
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    (folder / "model-settings.json").write_text(json.dumps(model), encoding="utf-8")
