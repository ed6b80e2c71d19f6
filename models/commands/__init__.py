"""The verbs: the only writers. ``load()`` imports every stage so that its commands are registered."""

from importlib import import_module
from pkgutil import iter_modules


def load() -> None:
    """Import all command modules of this package (registration happens at import)."""
    for module in iter_modules(__path__, prefix=f"{__name__}."):
        if not module.name.endswith(".door"):
            import_module(module.name)
