"""`otklik serve`: answer predictions over HTTP."""

import argparse
import os
import signal

from service.commands.options import Commands, add_models, read_settings

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
    """Serve until stopped; a model that is not sound is told before the port is opened."""
    import uvicorn

    from service.api.app import create_app
    from service.cases.run import running_funnels
    from service.collect.run import collecting
    from service.delivery.run import sending
    from service.nlp.artefact import check_manifest, current_version, read_manifest
    from service.store.database import Database
    from service.store.migrate import upgrade

    settings = read_settings(options)
    folder = settings.models / current_version(settings.models)
    check_manifest(folder, read_manifest(folder))
    database = Database(settings.database)
    upgrade(database)
    database.close()
    address = f"http://{options.host}:{options.port}"
    print(f"Отклик with model {folder.name} on {address} (documentation: {address}/docs). Try:\n")
    print(f"  curl -s {address}/v1/predict -H 'Content-Type: application/json' -d '{_EXAMPLE}'\n", flush=True)
    listen = {"host": options.host, "port": options.port, "log_level": "warning"}
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # uvicorn raises it again when it has ended
    with sending(settings), collecting(settings), running_funnels(settings):
        if options.workers == 1:
            uvicorn.run(create_app(settings), **listen)
        else:
            os.environ["OTKLIK_MODELS"] = str(settings.models)
            app = "service.api.app:create_from_environment"
            uvicorn.run(app, factory=True, workers=options.workers, **listen)
    return 0
