"""One real server for all tests of deliveries."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.inbox.serving import Server, running


@pytest.fixture(scope="session")
def server(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server that takes every source."""
    with running(models, tmp_path_factory.mktemp("intake")) as (server, _):
        yield server
