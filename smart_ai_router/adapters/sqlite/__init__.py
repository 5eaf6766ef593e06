"""The books in one SQLite file."""

from smart_ai_router.adapters.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
