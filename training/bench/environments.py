"""Environments of the peers: made once under `var/bench`, by pip, of pinned packages."""

import json
import subprocess
import venv
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from training.bench.measure import Measured, at_least, ratios
from training.bench.processes import free_port, pin, serving
from training.settings import PROJECT

_PEERS = Path(__file__).parent / "peers"
_FASTTEXT = ("fasttext-wheel==0.9.2", "numpy<2")
_SPACY = ("spacy==3.8.18",)
_MLSERVER = ("mlserver==1.7.1",)
_PIPELINE = ("numpy", "scipy", "scikit-learn", "joblib", "threadpoolctl", "natasha", "pydantic", "pyyaml",
             "pymorphy3", "pymorphy3-dicts-ru", "DAWG2", "tqdm")  # fmt: skip
"""What the plain pipeline needs, in the versions of this environment."""

Example = tuple[str, Sequence[str]]


def make_environment(folder: Path, packages: Sequence[str]) -> Path:
    """The interpreter of an environment with `packages`; the one of an earlier run, if they are the same."""
    wanted = "\n".join(packages) + "\n"
    stamp, python = folder / "packages.txt", folder / "bin" / "python"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        print(f"making {folder.relative_to(PROJECT)} …", flush=True)
        venv.create(folder, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, *packages], check=True)
        stamp.write_text(wanted, encoding="utf-8")
    return python


def measure_fasttext(
    folder: Path, train: Sequence[Example], texts: Sequence[str], rounds: int
) -> list[float]:
    """Comments/s of fastText's Python call."""
    python = make_environment(folder / "fasttext", _FASTTEXT)
    return _run_peer(python, "fasttext_peer.py", folder, train, texts, rounds)


def measure_spacy(folder: Path, train: Sequence[Example], texts: Sequence[str], rounds: int) -> list[float]:
    """Comments/s of spaCy's textcat."""
    python = make_environment(folder / "spacy", _SPACY)
    return _run_peer(python, "spacy_peer.py", folder, train, texts, rounds)


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


def _run_peer(
    python: Path, script: str, folder: Path, train: Sequence[Example], texts: Sequence[str], rounds: int
) -> list[float]:
    task = folder / "peer.json"
    content = {"train": list(train), "texts": list(texts), "rounds": rounds}
    task.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    command = [str(python), str(_PEERS / script), str(task)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, preexec_fn=pin(0))
    rates: list[float] = json.loads(done.stdout.splitlines()[-1])
    return rates


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
