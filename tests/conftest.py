"""A small real model, trained once a session on five authors of the corpus."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings
from starlette.testclient import TestClient

from service.api.app import create_app
from service.nlp.artefact import load_tagger
from service.nlp.tagger import Tagger
from service.nlp.taxonomy import Taxonomy, read_taxonomy
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
def small_settings(project: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainingSettings:
    """Settings of a training run on five authors, in folders of its own."""
    corpus = tmp_path_factory.mktemp("corpus")
    for author in AUTHORS:
        for path in (project / "data" / "corpus").glob(f"{author}-*.txt"):
            shutil.copy(path, corpus)
    lexicon = tmp_path_factory.mktemp("lexicon")
    shutil.copy(project / "data" / "lexicon" / "price.txt", lexicon)
    models = tmp_path_factory.mktemp("models")
    return replace(TrainingSettings(), corpus=corpus, lexicon=lexicon, models=models, network_epochs=5)


@pytest.fixture(scope="session")
def trained(small_settings: TrainingSettings) -> run.Trained:
    """A whole training run."""
    taxonomy, examples = run.read_inputs(small_settings)
    return run.train(taxonomy, examples, small_settings)


@pytest.fixture(scope="session")
def models(trained: run.Trained, small_settings: TrainingSettings) -> Path:
    """A folder with one trained model, the current one. Tests that change it take a copy."""
    folder = publish(trained, small_settings)
    adopt(small_settings.models, folder.name, "first", by="tests")
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
