"""`otklik intake`: try an adapter, look at what platforms delivered, work it off again."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.commands.options import Commands, add_models, open_store, read_settings
from service.commands.reading import add_reading, reading_of
from service.nlp.errors import OtklikError
from service.settings import Settings, expand

if TYPE_CHECKING:
    from service.intake.installation import ConfiguredSource, Installation
    from service.store.inbox import StoredDelivery


def add(commands: Commands) -> None:
    """Add `intake` to the commands."""
    intake = commands.add_parser(
        "intake",
        help="look after what survey platforms deliver",
        description="Survey platforms deliver to POST /v1/intake/SOURCE; intake.yaml (OTKLIK_INTAKE) names "
        "the sources, with their secrets.",
    )
    actions = intake.add_subparsers(required=True, metavar="ACTION")
    _add_try(actions)
    _add_file(actions)
    _add_sources(actions)
    _add_list(actions)
    _add_show(actions)
    _add_replay(actions)


def _add_try(actions: Commands) -> None:
    trial = actions.add_parser(
        "try",
        help="show what an adapter makes of a captured delivery",
        description="Show what the adapter of SOURCE makes of FILE: a captured body, or a whole captured "
        "request with its request line and headers. Nothing is stored.",
        epilog="example: otklik intake try typeform data/examples/deliveries/typeform.http",
    )
    trial.add_argument("source", metavar="SOURCE", help="an adapter, or a source of intake.yaml")
    trial.add_argument("file", type=Path, metavar="FILE")
    trial.add_argument("--query", default="", help="the part of the address after «?»")
    trial.add_argument("--header", action="append", default=[], metavar="'NAME: VALUE'")
    trial.set_defaults(run=run_try)


def _add_file(actions: Commands) -> None:
    file = actions.add_parser(
        "file",
        help="take the answers in an export of a platform",
        description="Store and tag the answers in FILE as if SOURCE had delivered them: the same response is "
        "the same comment, and the file may be taken again. Form and columns are found out, by the "
        "profile of SOURCE where there is one.",
        epilog="example: otklik intake file answers.csv --source testograf",
    )
    file.add_argument("file", metavar="FILE", help=".csv, .xlsx, .xls, .parquet, .jsonl, …; a path or a URL")
    file.add_argument("--source", required=True, metavar="SOURCE", help="an adapter, or one of intake.yaml")
    add_reading(file)
    add_models(file)
    file.set_defaults(run=run_file)


def _add_sources(actions: Commands) -> None:
    sources = actions.add_parser("sources", help="list the adapters and the sources of intake.yaml")
    sources.set_defaults(run=run_sources)


def _add_list(actions: Commands) -> None:
    listing = actions.add_parser("list", help="list the latest deliveries")
    listing.add_argument("--state", choices=("waiting", "done", "ignored", "unreadable"))
    listing.add_argument("--source", metavar="SOURCE")
    listing.add_argument("--limit", type=int, default=20, metavar="N", help="how many (%(default)s)")
    listing.set_defaults(run=run_list)


def _add_show(actions: Commands) -> None:
    show = actions.add_parser("show", help="show one delivery, as a request that «try» reads")
    show.add_argument("id", type=int, metavar="ID")
    show.set_defaults(run=run_show)


def _add_replay(actions: Commands) -> None:
    replay = actions.add_parser(
        "replay",
        help="work kept deliveries off again, after intake.yaml or an adapter was mended",
        description="Let deliveries be worked off again by the running server, or by the next one. What is "
        "known already changes nothing.",
    )
    replay.add_argument("--source", metavar="SOURCE", help="only of this source")
    replay.add_argument("--all", action="store_true", help="those that were worked off well, too")
    replay.set_defaults(run=run_replay)


def run_try(options: argparse.Namespace) -> int:
    """Print the events as JSON; 1 if something could not be read."""
    from dataclasses import replace

    from service.inbox.receive import read_events
    from service.intake.captures import read_capture

    settings = Settings.from_env()
    source = _source(settings, options.source)
    try:
        captured = read_capture(options.file.read_bytes())
    except OSError as error:
        raise OtklikError(f"{options.file}: cannot be read ({error.strerror})") from None
    given = dict(header.split(":", 1) for header in options.header if ":" in header)
    headers = {name.strip().lower(): value.strip() for name, value in given.items()}
    delivery = replace(
        captured, headers={**captured.headers, **headers}, query=options.query or captured.query
    )
    events, problems = read_events(source, delivery, settings.max_body_bytes)
    print(json.dumps([_event_to_json(event) for event in events], ensure_ascii=False, indent=2))
    for problem in problems:
        print(f"otklik: {problem}", file=sys.stderr)
    return 1 if problems or any(getattr(event, "notes", ()) for event in events) else 0


def run_file(options: argparse.Namespace) -> int:
    """Take the file and tell what came of it; 1 if some rows could not be taken."""
    from service.inbox.files import take_file
    from service.nlp.artefact import load_tagger

    settings = read_settings(options)
    source = _source(settings, options.source)
    tagger = load_tagger(settings.models)
    summary = take_file(open_store(), tagger, source, options.file, reading_of(options), settings)
    print(summary, file=sys.stderr)
    return 1 if summary.rejected else 0


def run_sources(options: argparse.Namespace) -> int:
    """One line a source."""
    from service.intake import adapters

    installation = _installation(Settings.from_env())
    for name, source in installation.sources.items():
        demands = " and ".join(
            word for word, is_set in (("a signature", source.secrets), ("a token", source.tokens)) if is_set
        )
        print(f"{name:16}{source.adapter.title}: lets in what has {demands}")
    for name in adapters.names():
        adapter = adapters.find(name)
        if name not in installation.sources and adapter:
            proof = "secrets or tokens" if adapter.signature else "tokens"
            print(f"{name:16}{adapter.title}: not in intake.yaml; needs {proof}")
    return 0


def run_list(options: argparse.Namespace) -> int:
    """One line a delivery, the newest first."""
    from service.store import inbox

    with open_store().read() as connection:
        found = inbox.latest(connection, options.limit, options.state, options.source)
    for delivery in found:
        moment = delivery.received_at.strftime("%Y-%m-%d %H:%M:%S")
        repeats = f" (came {delivery.repeats + 1} times)" if delivery.repeats else ""
        problem = f": {delivery.problem}" if delivery.problem else ""
        print(f"{delivery.id}  {moment}  {delivery.source}  {delivery.state}{repeats}{problem}")
    return 0


def run_show(options: argparse.Namespace) -> int:
    """The delivery as it went over the wire, but for its secrets."""
    from service.store import inbox

    with open_store().read() as connection:
        found = inbox.get(connection, options.id)
    if found is None or found.body is None:
        raise OtklikError(f"found no delivery {options.id}, or its bytes are deleted; see otklik intake list")
    sys.stdout.buffer.write(_as_request(found))
    return 0


def run_replay(options: argparse.Namespace) -> int:
    """Let deliveries wait again and tell how many."""
    from service.store import inbox

    states: Any = ["ignored", "unreadable", *(["done"] if options.all else [])]
    with open_store().write() as connection:
        count = inbox.wait_again(connection, states, options.source)
    print(f"{count} deliveries will be worked off by the running server, or by the next one")
    return 0


def _installation(settings: Settings) -> "Installation":
    from service.intake.installation import read_installation

    return read_installation(settings.intake, expand)


def _source(settings: Settings, name: str) -> "ConfiguredSource":
    found = _installation(settings).find(name)
    if found is None:
        raise OtklikError(f"found no source «{name}»; otklik intake sources lists them")
    return found


def _event_to_json(event: object) -> dict[str, Any]:
    from dataclasses import asdict
    from datetime import datetime

    values = {name: value for name, value in asdict(event).items() if value not in (None, (), {})}  # type: ignore[call-overload]  # every event is a dataclass
    moments = {name: value.isoformat() for name, value in values.items() if isinstance(value, datetime)}
    return {"event": type(event).__name__.lower(), **values, **moments}


def _as_request(delivery: "StoredDelivery") -> bytes:
    query = f"?{delivery.query}" if delivery.query else ""
    head = [f"{delivery.method} /v1/intake/{delivery.source}{query} HTTP/1.1"]
    head += [f"{name}: {value}" for name, value in delivery.headers.items()]
    return "\n".join([*head, "", ""]).encode("latin-1", "replace") + (delivery.body or b"") + b"\n"
