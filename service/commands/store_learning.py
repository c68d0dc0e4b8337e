"""`otklik store export-corrections`, `export-comments`, `retag` and `history`, for the analyst's loop."""

import argparse
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.commands.options import add_models, open_store, read_settings

if TYPE_CHECKING:
    from sqlalchemy import Connection


def add_actions(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the actions to `otklik store`."""
    corrections = actions.add_parser(
        "export-corrections",
        help="write corrected comments as JSON Lines, to train on",
        description="make train does it by itself and removes the file afterwards: it holds personal data.",
    )
    corrections.set_defaults(run=_export_corrections)
    texts = actions.add_parser("export-comments", help="write all comments as JSON Lines, to try a model on")
    texts.set_defaults(run=_export_comments)
    for command in (corrections, texts):
        command.add_argument("file", type=Path, metavar="FILE.jsonl")
    retag = actions.add_parser(
        "retag",
        help="tag stored comments again with the model in use",
        description="What people corrected goes on to hold. Webhooks, and platforms that take tags back, are "
        "told of comments whose tags are others now. Stopped, it goes on where it was when run again.",
    )
    retag.set_defaults(run=_retag)
    history = actions.add_parser("history", help="which model tagged a comment, when, made from which data")
    history.add_argument("comment", type=int, metavar="ID", help="number of the comment in the store")
    history.set_defaults(run=_history)
    for command in (retag, history):
        add_models(command)


def _export_corrections(options: argparse.Namespace) -> int:
    from service.store.learning import corrected_rows

    print(f"{options.file}: {_write(options.file, corrected_rows)} corrected comments")
    return 0


def _export_comments(options: argparse.Namespace) -> int:
    from service.store.learning import comment_rows

    print(f"{options.file}: {_write(options.file, comment_rows)} comments")
    return 0


def _write(path: Path, rows: "Callable[[Connection], Iterator[dict[str, Any]]]") -> int:
    """Write the rows, readable by this user only, whole or not at all; how many there were."""
    import orjson

    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    count = 0
    try:
        beside.touch(mode=0o600)
        with beside.open("wb") as file, closing(open_store()) as database, database.read() as connection:
            for row in rows(connection):
                file.write(orjson.dumps(row) + b"\n")
                count += 1
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return count


def _retag(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from service.nlp.artefact import load_tagger
    from service.store.retagging import count_comments, retag

    tagger = load_tagger(read_settings(options).models)
    with closing(open_store()) as database:
        total, done = count_comments(database), 0
        with tqdm(total=total, desc=f"tagging with {tagger.version}", unit="comment", disable=None) as bar:
            for seen, tagged in retag(database, tagger):
                bar.update(seen)
                done += tagged
    print(f"{done} of {total} comments tagged again by {tagger.version}")
    return 0


def _history(options: argparse.Namespace) -> int:
    from service.registry.journal import Journal, model_at
    from service.store import predictions
    from service.store.errors import MissingError

    entries = Journal(read_settings(options).models).read()
    with closing(open_store()) as database, database.read() as connection:
        found = predictions.history(connection, options.comment)
    if not found:
        raise MissingError(f"comment {options.comment} is not in the store, or was never tagged")
    for prediction in found:
        reign = model_at(entries, prediction.created_at)
        made = "made from data that the journal does not know"
        if reign and reign.version == prediction.model:
            data = reign.entry.data
            made = f"made from {data.get('comments', '?')} comments, {data.get('corrections', 0)} corrections"
        tags = ", ".join(f"{tag.category} {tag.polarity}" for tag in prediction.tags) or "no tag"
        print(f"{prediction.created_at:%Y-%m-%d %H:%M:%S} · {prediction.model} ({made}) · {tags}")
    return 0
