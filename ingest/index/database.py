"""Databases as Footnote opens them: SQLite in WAL mode, or PostgreSQL."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError

from ingest.index.errors import DataFolderError


def open_engine(url: str) -> sa.Engine:
    """Return the engine of a database; it connects on first use.

    Raises:
        DataFolderError: the address cannot be used.
    """
    try:
        engine = sa.create_engine(url)
    except (SQLAlchemyError, ImportError) as error:
        raise DataFolderError(
            f"The catalogue's address cannot be used ({str(error).splitlines()[0]}).",
            "Write FOOTNOTE_DATABASE_URL as postgresql+pg8000://USER:PASSWORD@HOST/DATABASE and "
            "install `footnote-assistant[postgres]`; or unset it.",
        ) from error
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    return engine


def reason(error: SQLAlchemyError) -> str:
    """Return what the database said, in one line."""
    return str(getattr(error, "orig", None) or error).strip().split("\n")[0]


def _prepare_sqlite(engine: sa.Engine) -> None:
    """Readers never wait (WAL), writers wait for each other, transactions are real ones."""

    @sa.event.listens_for(engine, "connect")
    def _on_connect(connection: DBAPIConnection, _: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout = 30000")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
            # A transaction that reads before it writes must hold the write lock from the start.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
