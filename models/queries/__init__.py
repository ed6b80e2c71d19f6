"""The reads, returning frozen read models. ``load()`` imports every stage so that its queries are registered."""

from importlib import import_module
from pkgutil import iter_modules


def load() -> None:
    """Import all query modules of this package (registration happens at import)."""
    for module in iter_modules(__path__, prefix=f"{__name__}."):
        import_module(module.name)
