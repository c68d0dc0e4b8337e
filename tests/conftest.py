"""A small real model, trained once a session on five authors of the corpus."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import joblib
import pytest
from hypothesis import settings
from starlette.testclient import TestClient

from service.api.app import create_app
from service.nlp.artefact import load_tagger
from service.nlp.tagger import Tagger
from service.nlp.taxonomy import Taxonomy
from service.nlp.taxonomy_file import read_taxonomy
from service.registry.switch import adopt
from service.settings import Settings
from training import run
from training.publish import publish
from training.settings import PROJECT, TrainingSettings

pytest_plugins = ["tests.databases", "tests.libreoffice"]

# The same cases in each run, so that a change is judged by what it changed; on a slow machine too.
# `--hypothesis-profile=default` looks for new ones.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")

AUTHORS = ("a01", "a02", "a05", "a08", "a33")
EXAMPLE = "Задержали поставку на две недели, у нас сорвался монтаж! А станок сам отличный."


@pytest.fixture(scope="session", autouse=True)
def _own_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Commands that tests start keep their store away from the project's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTKLIK_DATABASE", f"sqlite:///{tmp_path_factory.mktemp('store') / 'otklik.db'}")
        yield


@pytest.fixture(scope="session")
def project() -> Path:
    """The project's folder."""
    return PROJECT


@pytest.fixture(scope="session")
def taxonomy(project: Path) -> Taxonomy:
    """The taxonomy that the project ships."""
    return read_taxonomy(project / "data" / "taxonomy.yaml")


@pytest.fixture(scope="session")
def small(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the small model, which the first of the processes that test fills for all of them."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "small"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "trained.joblib").exists():
            _fill(folder, project)
    return folder


def _fill(folder: Path, project: Path) -> None:
    """Train on five authors and publish, the proof that all is there last."""
    settings = _settings(folder)
    for own in (settings.corpus, settings.lexicon, settings.models):
        own.mkdir()
    for author in AUTHORS:
        for path in (project / "data" / "corpus").glob(f"{author}-*.txt"):
            shutil.copy(path, settings.corpus)
    shutil.copy(project / "data" / "lexicon" / "price.txt", settings.lexicon)
    taxonomy, examples = run.read_inputs(settings)
    trained = run.train(taxonomy, examples, settings)
    adopt(settings.models, publish(trained, settings).name, "first", by="tests")
    joblib.dump(trained, folder / "part")
    (folder / "part").rename(folder / "trained.joblib")


def _settings(folder: Path) -> TrainingSettings:
    return replace(
        TrainingSettings(),
        corpus=folder / "corpus",
        lexicon=folder / "lexicon",
        models=folder / "models",
        network_epochs=5,
    )


@pytest.fixture(scope="session")
def small_settings(small: Path) -> TrainingSettings:
    """Settings of the small model's training run, in folders of its own."""
    return _settings(small)


@pytest.fixture(scope="session")
def trained(small: Path) -> run.Trained:
    """A whole training run."""
    found: run.Trained = joblib.load(small / "trained.joblib")
    return found


@pytest.fixture(scope="session")
def models(small_settings: TrainingSettings) -> Path:
    """A folder with one trained model, the current one. Tests that change it take a copy."""
    return small_settings.models


@pytest.fixture(scope="session")
def tagger(models: Path) -> Tagger:
    """The small model, loaded."""
    return load_tagger(models)


@pytest.fixture
def own_models(models: Path, tmp_path: Path) -> Path:
    """A copy of the models folder that a test may damage."""
    return Path(shutil.copytree(models, tmp_path / "models"))


@pytest.fixture
def client(models: Path) -> Iterator[TestClient]:
    """A client of an app whose model is loaded."""
    app = create_app(Settings(models=models))
    with TestClient(app, raise_server_exceptions=False, client=("127.0.0.1", 50_000)) as client:
        while client.get("/readyz").status_code == 503:
            pass
        yield client
