"""The document store on S3 (``store``) and its connection (``connection``). Built by ``infra/bootstrap.py``."""

from infra.storage.connection import LockMode, S3Settings
from infra.storage.store import S3DocumentStore, object_key, page_key

__all__ = ["LockMode", "S3DocumentStore", "S3Settings", "object_key", "page_key"]
