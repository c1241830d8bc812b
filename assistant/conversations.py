"""Conversations: what was asked and answered, kept with citations and verdicts.

A conversation belongs to a person, known by the key in their browser's cookie. Each turn is
one row; it is written when the question is asked, about once a second while the answer
grows, and when it is over, so a killed program loses no more than a second of text.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError

from assistant.events import Answer
from ingest.index.database import Database
from ingest.index.errors import InputError

MAX_TITLE = 120
"""Most characters of a conversation's title."""

UNDO_SECONDS = 3600.0
"""Time for which a deleted conversation can be brought back; the page offers ten seconds."""

_UNREADABLE = "This answer was kept by another version of Footnote. Ask again."


@dataclass
class Turn:
    """A question and its answer so far.

    Attributes:
        stage: what is being done, in words, until there is text.
        text: the answer's text so far.
        answer: the finished answer.
        failure: why there is no answer.
        stopped: whether the person stopped it.
        dropped: whether it broke off because the page or the program went away.
        rating: `up`, `down` or nothing: what the person thinks of the answer.
        remark: why they think so, in their words.
    """

    question: str
    stage: str = ""
    text: str = ""
    answer: Answer | None = None
    failure: str | None = None
    stopped: bool = False
    dropped: bool = False
    rating: str = ""
    remark: str = ""

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.answer is not None or self.failure is not None or self.stopped or self.dropped


@dataclass
class Conversation:
    """The turns of one conversation, oldest first."""

    id: str
    title: str = ""
    created: float = 0.0
    turns: list[Turn] = field(default_factory=list)

    def history(self) -> list[tuple[str, str]]:
        """Return the (question, answer) pairs that a model may build on."""
        return [
            (turn.question, turn.answer.text)
            for turn in self.turns
            if turn.answer is not None and not turn.answer.abstained
        ]


@dataclass(frozen=True, slots=True)
class Summary:
    """A conversation in a list; `updated` is in seconds since the epoch."""

    id: str
    title: str
    updated: float


_TURN: TypeAdapter[Turn] = TypeAdapter(Turn)

_metadata = sa.MetaData()

_conversations = sa.Table(
    "conversations",
    _metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("person", sa.String(64), nullable=False, index=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("updated", sa.Float, nullable=False),
    sa.Column("deleted", sa.Float),
)

_turns = sa.Table(
    "turns",
    _metadata,
    sa.Column("conversation", sa.String(64), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
)


class Conversations:
    """Conversations in a database. What is not `person`'s own does not exist for them.

    Args:
        url: SQLAlchemy address; SQLite, or PostgreSQL.
        clock: seconds since the epoch; replaced in tests.

    Raises:
        DataFolderError: the database cannot be opened.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._database = Database(url, _metadata)

    def summaries(self, person: str) -> list[Summary]:
        """Return a person's conversations, the one used last first."""
        table = _conversations.c
        query = (
            sa.select(table.id, table.title, table.updated)
            .where(table.person == person, table.deleted.is_(None))
            .order_by(table.updated.desc())
        )
        with self._database.read() as connection:
            return [Summary(*row) for row in connection.execute(query)]

    def get(self, person: str, conversation_id: str) -> Conversation | None:
        """Return a conversation with all its turns, or None where there is none.

        An answer that was still being written when it was kept has broken off since.
        """
        table = _conversations.c
        with self._database.read() as connection:
            row = connection.execute(
                sa.select(table.title, table.created).where(
                    self._own(person, conversation_id), table.deleted.is_(None)
                )
            ).first()
            if row is None:
                return None
            bodies = connection.execute(
                sa.select(_turns.c.body)
                .where(_turns.c.conversation == conversation_id)
                .order_by(_turns.c.number)
            )
            turns = [_turn(body) for body in bodies.scalars()]
        return Conversation(conversation_id, row.title, row.created, turns)

    def begin(self, person: str, conversation_id: str, title: str) -> Conversation:
        """Return a conversation, a new one where there is none.

        Raises:
            InputError: the conversation is another person's, or is deleted.
        """
        if (known := self.get(person, conversation_id)) is not None:
            return known
        new = Conversation(conversation_id, _title(title), self._clock())
        values = {
            "id": new.id,
            "person": person,
            "title": new.title,
            "created": new.created,
            "updated": new.created,
        }
        taken = sa.select(sa.exists().where(_conversations.c.id == conversation_id))
        with self._database.write(alone=True) as connection:
            if connection.execute(taken).scalar_one():
                raise InputError(
                    "This conversation is not there any more.", "Start a new chat, then ask again."
                )
            connection.execute(_conversations.insert().values(values))
        return new

    def keep(self, conversation: Conversation, number: int) -> None:
        """Write one turn as it is now."""
        body = _TURN.dump_json(conversation.turns[number]).decode()
        key = (_turns.c.conversation == conversation.id) & (_turns.c.number == number)
        with self._database.write() as connection:
            if not connection.execute(_turns.update().where(key).values(body=body)).rowcount:
                connection.execute(
                    _turns.insert().values(conversation=conversation.id, number=number, body=body)
                )
            connection.execute(
                _conversations.update()
                .where(_conversations.c.id == conversation.id)
                .values(updated=self._clock())
            )

    def cut(self, conversation: Conversation, length: int) -> None:
        """Drop the turns from `length` on, to ask one of them anew."""
        del conversation.turns[length:]
        with self._database.write() as connection:
            connection.execute(
                _turns.delete().where(
                    _turns.c.conversation == conversation.id, _turns.c.number >= length
                )
            )

    def rename(self, person: str, conversation_id: str, title: str) -> None:
        """Give a conversation another title.

        Raises:
            InputError: the title is empty, or there is no such conversation.
        """
        if not title.strip():
            raise InputError("A conversation needs a title.", "Type one.")
        self._change(person, conversation_id, title=_title(title))

    def delete(self, person: str, conversation_id: str) -> None:
        """Take a conversation out of every list; `restore` brings it back for a while.

        Raises:
            InputError: there is no such conversation.
        """
        now = self._clock()
        self._change(person, conversation_id, deleted=now)
        gone = sa.select(_conversations.c.id).where(_conversations.c.deleted < now - UNDO_SECONDS)
        with self._database.write() as connection:
            connection.execute(_turns.delete().where(_turns.c.conversation.in_(gone)))
            connection.execute(_conversations.delete().where(_conversations.c.id.in_(gone)))

    def restore(self, person: str, conversation_id: str) -> None:
        """Bring a deleted conversation back.

        Raises:
            InputError: it is gone for good.
        """
        self._change(person, conversation_id, deleted=None)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def _change(self, person: str, conversation_id: str, **values: object) -> None:
        own = self._own(person, conversation_id)
        with self._database.write() as connection:
            done = connection.execute(_conversations.update().where(own).values(values))
        if not done.rowcount:
            raise InputError("This conversation is not there any more.", "Reload the page.")

    def _own(self, person: str, conversation_id: str) -> sa.ColumnElement[bool]:
        return (_conversations.c.id == conversation_id) & (_conversations.c.person == person)


def conversations_url(data_dir: Path) -> str:
    """Return the address of the conversations inside a data folder."""
    return f"sqlite:///{data_dir / 'conversations.sqlite3'}"


def _title(words: str) -> str:
    title = " ".join(words.split())
    return title if len(title) <= MAX_TITLE else title[: MAX_TITLE - 1].rstrip() + "…"


def _turn(body: str) -> Turn:
    try:
        turn = _TURN.validate_json(body)
    except ValidationError:
        turn = Turn(str(json.loads(body).get("question", "")), failure=_UNREADABLE)
    turn.dropped = turn.dropped or not turn.over
    return turn
