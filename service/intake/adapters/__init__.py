"""The survey platforms and CRMs, one file each: `ADAPTER` in it says what their deliveries look like.

To add one, write a file here with an `ADAPTER`; its name, with «-» for «_», is the name in the address.
Try it with `otklik intake try NAME FILE` on a captured body. What one installation needs is in its settings.
"""

import pkgutil
from functools import cache
from importlib import import_module

from service.intake.mapping import Adapter


@cache
def names() -> tuple[str, ...]:
    """The names of all of them, as in addresses."""
    return tuple(sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__)))


@cache
def find(name: str) -> Adapter | None:
    """The adapter of this name, if there is one."""
    if name not in names():
        return None
    adapter: Adapter = import_module(f"{__name__}.{name.replace('-', '_')}").ADAPTER
    return adapter
