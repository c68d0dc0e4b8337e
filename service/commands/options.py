"""What several commands ask for alike."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from service.settings import Settings

if TYPE_CHECKING:
    from service.store.database import Database

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_models(command: argparse.ArgumentParser) -> None:
    """Let a command be told where the models are."""
    command.add_argument("--models", type=Path, metavar="DIR", help="folder of models (models)")


def open_store() -> "Database":
    """The store that `OTKLIK_DATABASE` names, in the form that this version expects."""
    from service.store.database import Database
    from service.store.migrate import upgrade

    database = Database(Settings.from_env().database)
    upgrade(database)
    return database


def read_settings(options: argparse.Namespace) -> Settings:
    """The settings of the environment, with the folder of models that the command line names."""
    settings = Settings.from_env()
    return replace(settings, models=options.models) if options.models else settings
