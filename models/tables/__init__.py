"""SQLModel tables, one module a stage. ``metadata()`` imports them all and returns the schema."""

from importlib import import_module
from pkgutil import iter_modules

from sqlalchemy import MetaData
from sqlmodel import SQLModel


def metadata() -> MetaData:
    """Return the metadata of every table of this package."""
    for module in iter_modules(__path__, prefix=f"{__name__}."):
        import_module(module.name)
    return SQLModel.metadata
