"""The survey platforms and CRMs, one file each: `SOURCE` in it says what their deliveries look like.

To add one, write a file here with a `SOURCE`; its name, with «-» for «_», is the name in the address. Try it
with `otklik intake try NAME FILE` on a captured body. What one installation alone needs is in its settings.
"""

import pkgutil
from functools import cache
from importlib import import_module

from service.intake.mapping import Source


@cache
def names() -> tuple[str, ...]:
    """The names of all sources, as in addresses."""
    return tuple(sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__)))


@cache
def find(name: str) -> Source | None:
    """The source of this name, if there is one."""
    if name not in names():
        return None
    source: Source = import_module(f"{__name__}.{name.replace('-', '_')}").SOURCE
    return source
