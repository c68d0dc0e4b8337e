"""`otklik serve`: answer predictions over HTTP."""

import argparse
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from service.commands.options import Commands, add_models, read_settings
from service.settings import Settings

_EXAMPLE = (
    '{"comments": [{"id": "42", "score": 3, "text": '
    '"Задержали поставку на две недели, у нас сорвался монтаж! А станок сам отличный."}]}'
)


def add(commands: Commands) -> None:
    """Add `serve` to the commands."""
    serve = commands.add_parser("serve", help="answer predictions over HTTP")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    serve.add_argument("--port", type=_port, default=8000, help="port to listen on (%(default)s)")
    serve.add_argument("--workers", type=_count, default=1, help="processes that answer (%(default)s)")
    add_models(serve)
    serve.set_defaults(run=run)


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65_536:
        raise argparse.ArgumentTypeError(f"found «{text}», expected a whole number from 1 to 65535")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 64:
        raise argparse.ArgumentTypeError(f"found «{text}», expected a whole number from 1 to 64")
    return int(text)


def run(options: argparse.Namespace) -> int:
    """Serve until stopped; what is not sound is told before the port is opened."""
    settings = read_settings(options)
    _check_configuration(settings)
    _prepare_store(settings)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # uvicorn raises it again when it has ended
    if options.workers == 1:
        _serve_alone(options, settings)
    else:
        _serve_together(options, settings)
    return 0


def _serve_alone(options: argparse.Namespace, settings: Settings) -> None:
    """In this process, which begins with the model and goes on to the rest while it answers already."""
    import uvicorn

    from service.api.app import create_app

    app = create_app(settings)
    app.state.predictor.load()
    _greet(options, app.state.predictor.tagger.version)
    with _running_beside(settings, app.state.rooms.opened):
        uvicorn.run(app, **_listen(options))


def _serve_together(options: argparse.Namespace, settings: Settings) -> None:
    """In several worker processes, each of which checks and loads the model that it serves."""
    import uvicorn

    from service.nlp.artefact import check_manifest, current_version, read_manifest

    folder = settings.models / current_version(settings.models)
    check_manifest(folder, read_manifest(folder))
    _greet(options, folder.name)
    os.environ["OTKLIK_MODELS"] = str(settings.models)
    begin = threading.Event()
    begin.set()
    with _running_beside(settings, begin):
        app = "service.api.app:create_from_environment"
        uvicorn.run(app, factory=True, workers=options.workers, **_listen(options))


def _listen(options: argparse.Namespace) -> dict[str, Any]:
    return {"host": options.host, "port": options.port, "log_level": "warning"}


def _greet(options: argparse.Namespace, model: str) -> None:
    address = f"http://{options.host}:{options.port}"
    print(f"Отклик with model {model} on {address} (documentation: {address}/docs). Try:\n")
    print(f"  curl -s {address}/v1/predict -H 'Content-Type: application/json' -d '{_EXAMPLE}'\n", flush=True)


def _check_configuration(settings: Settings) -> None:
    """Raises: OtklikError for what `_running_beside` could not use. Most installations have none of it."""
    if settings.private_networks or settings.connections.exists() or settings.intake.exists():
        from service.delivery.run import check_settings

        check_settings(settings)


def _prepare_store(settings: Settings) -> None:
    """Bring the store to the form that this version expects. Raises: StoreError."""
    from service.store.revision import is_up_to_date

    if is_up_to_date(settings.database):
        return
    from service.store.database import Database
    from service.store.migrate import upgrade

    database = Database(settings.database)
    upgrade(database)
    database.close()


@contextmanager
def _running_beside(settings: Settings, begin: threading.Event) -> Iterator[None]:
    """Send, collect and run the funnels while the block runs, from `begin` on."""
    stop = threading.Event()

    def work() -> None:
        begin.wait()
        if stop.is_set():
            return
        from service.cases.run import running_funnels
        from service.collect.run import collecting
        from service.delivery.run import sending

        with sending(settings), collecting(settings), running_funnels(settings):
            stop.wait()

    thread = threading.Thread(target=work, name="otklik-beside")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        begin.set()
        thread.join()
