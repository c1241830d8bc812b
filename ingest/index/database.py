"""A database as Footnote opens it: SQLite in WAL mode, or PostgreSQL, with errors of its own."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import SQLAlchemyError

from ingest.index.errors import DataFolderError

_LOCK = 0x466F6F74
"""Key of Footnote's advisory lock in a PostgreSQL database."""

_BUSY_SECONDS = 30.0
"""Until a transaction that waits for others of a SQLite database gives up."""


class Database:
    """Transactions on some tables, which are created where they are missing.

    Args:
        url: SQLAlchemy address; SQLite in WAL mode, or PostgreSQL.
        tables: what is kept in it.

    Attributes:
        revision: grows when this process makes documents searchable.

    Raises:
        DataFolderError: it cannot be opened; also by every method, when it cannot be used.
    """

    def __init__(self, url: str, tables: sa.MetaData) -> None:
        self.revision = 0
        self._engine = open_engine(url)
        try:
            with self.write(alone=True) as connection:
                tables.create_all(connection)
                _require_columns(connection, tables)
        except DataFolderError:
            self.close()
            raise

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Return a connection for one query."""
        with _own_errors(), self._engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def write(self, alone: bool = False) -> Iterator[Connection]:
        """Return a connection whose changes are committed together at the end.

        Args:
            alone: let no other such transaction run beside this one, which reads before it
                inserts. With SQLite every writing transaction is alone.
        """
        with _own_errors(), self._engine.begin() as connection:
            if alone and self._engine.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            yield connection

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()


def sqlite_url(data_dir: Path) -> str:
    """Return the address of the catalogue inside a data folder."""
    return f"sqlite:///{data_dir / 'catalogue.sqlite3'}"


def open_engine(url: str) -> sa.Engine:
    """Return the engine of a database; it connects on first use.

    Raises:
        DataFolderError: the address cannot be used.
    """
    try:
        # A connection to a server may have been lost meanwhile, one to a file is not.
        engine = sa.create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
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


def _require_columns(connection: Connection, tables: sa.MetaData) -> None:
    """Refuse tables of another version: whatever is asked of them would fail half-way."""
    inspector = sa.inspect(connection)
    for table in tables.sorted_tables:
        found = {column["name"] for column in inspector.get_columns(table.name)}
        if found != set(table.columns.keys()):
            raise DataFolderError(
                "This data was written by another version of Footnote.",
                "Run that version again, or choose another FOOTNOTE_DATA_DIR (or "
                "FOOTNOTE_DATABASE_URL) and add the documents there.",
            )


@contextmanager
def _own_errors() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise DataFolderError(
            f"The catalogue cannot be used ({reason(error)}).",
            "Check the disk's free space, FOOTNOTE_DATA_DIR (or FOOTNOTE_DATABASE_URL) and its "
            "permissions; nothing is lost, and work goes on by itself then.",
        ) from error


def _prepare_sqlite(engine: sa.Engine) -> None:
    """Readers never wait (WAL), writers wait for each other, transactions are real ones."""

    @sa.event.listens_for(engine, "connect")
    def _on_connect(connection: DBAPIConnection, _: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {int(_BUSY_SECONDS * 1000)}")
        _use_wal(cursor)
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
            # A transaction that reads before it writes must hold the write lock from the start.
            connection.exec_driver_sql("BEGIN IMMEDIATE")


def _use_wal(cursor: DBAPICursor) -> None:
    """Set WAL mode, which the file keeps.

    Where several connections open a new file at once, SQLite refuses all but one of them without
    waiting: each holds a read lock that keeps the others from changing the mode.
    """
    give_up = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            # The low byte is the reason, what is above it the circumstances.
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > give_up:
                raise
            time.sleep(0.01)
        else:
            return
