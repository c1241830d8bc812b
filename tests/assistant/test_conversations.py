"""Conversations outlive the program, with citations and verdicts, and belong to one person."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from assistant import export
from assistant.conversations import UNDO_SECONDS, Conversations, Turn, conversations_url
from assistant.events import Answer, Citation, Sentence, Usage
from assistant.verification import Support
from ingest.index.documents import Passage
from ingest.index.errors import DataFolderError, InputError

ME, YOU = "m" * 40, "y" * 40
ONE, TWO = "1" * 32, "2" * 32


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def kept(tmp_path: Path, clock: Clock) -> Iterator[Conversations]:
    with closing(Conversations(conversations_url(tmp_path), clock)) as opened:
        yield opened


def answer() -> Answer:
    passage = Passage(
        1, "lease.pdf", "d1", "c1", "Signed on 3 May. Five years.", 10, 38, 4, ("Term",)
    )
    return Answer(
        question="When was it signed?",
        text="It was signed on 3 May. [1] It is pink.",
        abstained=False,
        mode="model",
        model="llama3.2",
        sentences=(
            Sentence("It was signed on 3 May.", (1,), Support.SUPPORTED),
            Sentence("It is pink.", (), Support.UNCITED),
        ),
        citations=(Citation(1, 0, "lease.pdf", "d1", 10, 26, "Signed on 3 May.", 4, ("Term",)),),
        passages=(passage,),
        usage=Usage(search_seconds=0.02, prompt_tokens=310),
    )


def fill(kept: Conversations, person: str = ME, key: str = ONE) -> None:
    conversation = kept.begin(person, key, "When was it\nsigned?")
    conversation.turns.append(Turn("When was it signed?", answer=answer(), rating="up"))
    kept.keep(conversation, 0)
    conversation.turns.append(Turn("And then?", text="Then it", stopped=True))
    kept.keep(conversation, 1)


def test_a_conversation_comes_back_whole(tmp_path: Path, kept: Conversations) -> None:
    fill(kept)
    with closing(Conversations(conversations_url(tmp_path))) as again:
        found = again.get(ME, ONE)
    assert found is not None
    assert found.title == "When was it signed?"
    assert found.turns[0].answer == answer()
    assert found.turns[0].rating == "up"
    assert found.turns[1] == Turn("And then?", text="Then it", stopped=True)


def test_an_answer_under_way_when_the_program_ended_has_broken_off(kept: Conversations) -> None:
    conversation = kept.begin(ME, ONE, "Who?")
    conversation.turns.append(Turn("Who?"))
    kept.keep(conversation, 0)
    conversation.turns[0].text = "Clara"
    kept.keep(conversation, 0)
    found = kept.get(ME, ONE)
    assert found is not None
    assert found.turns == [Turn("Who?", text="Clara", dropped=True)]
    assert found.turns[0].over


def test_history_is_what_was_answered(kept: Conversations) -> None:
    fill(kept)
    found = kept.get(ME, ONE)
    assert found is not None
    assert found.history() == [("When was it signed?", answer().text)]


def test_nobody_sees_or_changes_another_person_s_conversation(kept: Conversations) -> None:
    fill(kept)
    assert kept.get(YOU, ONE) is None
    assert kept.summaries(YOU) == []
    for change in (
        lambda: kept.rename(YOU, ONE, "Mine"),
        lambda: kept.delete(YOU, ONE),
        lambda: kept.restore(YOU, ONE),
        lambda: kept.begin(YOU, ONE, "Mine"),
    ):
        with pytest.raises(InputError, match="not there any more"):
            change()
    [summary] = kept.summaries(ME)
    assert summary.title == "When was it signed?"


def test_the_one_used_last_stands_first(kept: Conversations) -> None:
    fill(kept, key=ONE)
    fill(kept, key=TWO)
    assert [one.id for one in kept.summaries(ME)] == [TWO, ONE]
    conversation = kept.begin(ME, ONE, "")
    conversation.turns.append(Turn("More?"))
    kept.keep(conversation, 2)
    assert [one.id for one in kept.summaries(ME)] == [ONE, TWO]


def test_renaming(kept: Conversations) -> None:
    fill(kept)
    kept.rename(ME, ONE, "  The   lease ")
    assert kept.summaries(ME)[0].title == "The lease"
    kept.rename(ME, ONE, "x" * 500)
    assert len(kept.summaries(ME)[0].title) == 120
    with pytest.raises(InputError, match="needs a title"):
        kept.rename(ME, ONE, " \n")


def test_deleting_can_be_undone_for_a_while(kept: Conversations, clock: Clock) -> None:
    fill(kept)
    kept.delete(ME, ONE)
    assert kept.summaries(ME) == []
    assert kept.get(ME, ONE) is None
    kept.restore(ME, ONE)
    found = kept.get(ME, ONE)
    assert found is not None
    assert len(found.turns) == 2
    kept.delete(ME, ONE)
    clock.now += UNDO_SECONDS
    fill(kept, key=TWO)
    kept.delete(ME, TWO)
    with pytest.raises(InputError, match="not there any more"):
        kept.restore(ME, ONE)
    kept.restore(ME, TWO)


def test_asking_anew_replaces_what_follows(kept: Conversations) -> None:
    fill(kept)
    conversation = kept.begin(ME, ONE, "")
    kept.cut(conversation, 1)
    assert [turn.question for turn in conversation.turns] == ["When was it signed?"]
    found = kept.get(ME, ONE)
    assert found is not None
    assert len(found.turns) == 1


def test_an_answer_of_another_version_spoils_nothing(tmp_path: Path, kept: Conversations) -> None:
    fill(kept)
    engine = sa.create_engine(conversations_url(tmp_path))
    body = json.dumps({"question": "When?", "answer": {"shape": "of old"}})
    with engine.begin() as connection:
        connection.execute(
            sa.text("UPDATE turns SET body = :body WHERE number = 0"), {"body": body}
        )
    engine.dispose()
    found = kept.get(ME, ONE)
    assert found is not None
    assert found.turns[0].question == "When?"
    assert found.turns[0].failure == (
        "This answer was kept by another version of Footnote. Ask again."
    )
    assert found.turns[1].text == "Then it"


def test_a_folder_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataFolderError, match="cannot be used"):
        Conversations(conversations_url(tmp_path / "missing"))


# -- export -----------------------------------------------------------------------------------


def test_markdown_carries_sources_and_doubts(kept: Conversations) -> None:
    fill(kept)
    found = kept.get(ME, ONE)
    assert found is not None
    assert export.as_markdown(found) == (
        "# When was it signed?\n\n*1970-01-12 13:46 UTC*\n\n"
        "## When was it signed?\n\n"
        "It was signed on 3 May. [1] It is pink.\n\n"
        "Sources:\n\n- [1] lease.pdf, p. 4, Term: “Signed on 3 May.”\n\n"
        "Sentences to check:\n\n- “It is pink.”: cites no source\n\n"
        "## And then?\n\nThen it\n\n*This answer was not finished.*\n"
    )


def test_json_carries_everything(kept: Conversations) -> None:
    fill(kept)
    found = kept.get(ME, ONE)
    assert found is not None
    read = json.loads(export.as_json(found))
    assert read["title"] == "When was it signed?"
    first, second = read["turns"]
    assert first["answer"]["sentences"][1] == {
        "text": "It is pink.",
        "citations": [],
        "support": "uncited",
    }
    assert first["answer"]["citations"][0]["quote"] == "Signed on 3 May."
    assert first["answer"]["usage"]["prompt_tokens"] == 310
    assert first["rating"] == "up"
    assert second == {
        "question": "And then?",
        "answer": None,
        "text": "Then it",
        "failure": None,
        "stopped": True,
        "rating": None,
        "remark": None,
    }
