"""The whole way from a question to a checked answer, with a real embedder, store and HTTP."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any
from uuid import uuid4

import pytest
from fake_ollama import FakeOllama
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from town import BUILT, HARBOUR, QUESTION, TOWER, answer, events

from assistant import ollama_models
from assistant.answering import (
    NO_ANSWER,
    NO_DOCUMENTS,
    Answerer,
)
from assistant.events import (
    Answer,
    Event,
    Reading,
    Searching,
    Sentence,
    Thinking,
    Writing,
)
from assistant.fencing import SENTINEL
from assistant.models import ChatModels
from assistant.scope import Scope
from assistant.settings import AssistantSettings
from assistant.shapes import answer_shape
from assistant.verification import Support
from ingest.index.errors import EmbedderError, InputError
from ingest.index.index import Index
from ingest.index.tables import Record

Add = Callable[..., Record]


def shown(seen: list[Event]) -> list[str]:
    return [event.text for event in seen if isinstance(event, Writing)]


def require_verbatim(index: Index, found: Answer) -> None:
    """Every citation is a slice of its document's canonical text, and of a passage shown."""
    passages = {passage.number: passage for passage in found.passages}
    versions = index.catalogue.versions({citation.document_id for citation in found.citations})
    for citation in found.citations:
        document = index.files.document(versions[citation.document_id][0])
        assert document is not None
        assert document.text[citation.start : citation.end] == citation.quote
        assert citation.quote.strip()
        passage = passages[citation.number]
        assert passage.document_id == citation.document_id
        assert passage.start <= citation.start < citation.end <= passage.end
        assert citation.number in found.sentences[citation.sentence].citations
    cited = [(number, n) for n, said in enumerate(found.sentences) for number in said.citations]
    assert cited == [(citation.number, citation.sentence) for citation in found.citations]


# -- written answers -------------------------------------------------------------------------


def test_events_come_in_order_and_the_answer_once_at_the_end(
    answerer: Answerer, town: None, ollama: FakeOllama
) -> None:
    ollama.will_write("Clara Veit built", " the lighthouse of Arnholm [", "1]", ".")
    seen = events(answerer)
    assert [type(event) for event in seen] == [Searching, Reading, *[Writing] * 4, Answer]
    assert seen[0] == Searching(2)
    assert shown(seen) == [
        "Clara Veit built",
        "Clara Veit built the lighthouse of Arnholm",
        "Clara Veit built the lighthouse of Arnholm [1]",
        "Clara Veit built the lighthouse of Arnholm [1].",
    ]


def test_a_written_answer_is_checked_and_counted(
    answerer: Answerer, town: None, index: Index, ollama: FakeOllama
) -> None:
    ollama.will_write(f"{BUILT} [1] ", "It was built in 1872. [1] ", "Nice! ", "Herring. [1][2]")
    found = answer(answerer)
    assert (found.mode, found.model, found.abstained) == ("model", "llama3.2:latest", False)
    assert (found.notice, found.cut) == (None, None)
    assert [(s.text, s.citations, s.support) for s in found.sentences] == [
        (BUILT, (1,), Support.SUPPORTED),
        ("It was built in 1872.", (1,), Support.UNSUPPORTED),
        ("Nice!", (), Support.UNCITED),
        ("Herring.", (1, 2), Support.SUPPORTED),
    ]
    assert found.citations[0].document == "tower.txt"
    assert found.citations[0].quote == BUILT
    require_verbatim(index, found)
    assert found.usage.answer_tokens == 4
    assert found.usage.passages_dropped == 0
    assert found.usage.search_seconds <= found.usage.first_token_seconds
    assert found.usage.first_token_seconds <= found.usage.total_seconds


def test_a_sentence_is_checked_as_soon_as_the_next_one_begins(
    answerer: Answerer, town: None, ollama: FakeOllama
) -> None:
    ollama.will_write(f"{BUILT} [1] ", *["And so on "] * 40, delay=0.02)
    seen = [event for event in events(answerer) if isinstance(event, Writing)]
    assert seen[0].sentences == ()
    early = [event for event in seen[:30] if event.sentences]
    assert early
    assert early[0].sentences == (Sentence(BUILT, (1,), Support.SUPPORTED),)


def test_reasoning_is_kept_apart_and_never_cited(
    answerer: Answerer, town: None, ollama: FakeOllama
) -> None:
    ollama.will_write("<think>", "Passage [2]", " says it.</think>", f"{BUILT} [1]")
    seen = events(answerer)
    assert [type(event) for event in seen[2:]] == [Thinking, Thinking, Writing, Answer]
    assert seen[3] == Thinking("Passage [2] says it.", "llama3.2:latest")
    found = seen[-1]
    assert isinstance(found, Answer)
    assert found.reasoning == "Passage [2] says it."
    assert found.text == f"{BUILT} [1]"
    assert {citation.number for citation in found.citations} == {1}


def test_tokens_a_second_are_those_between_the_first_and_the_last(
    answerer: Answerer, town: None, ollama: FakeOllama
) -> None:
    ollama.will_write(*["word "] * 21, delay=0.05)
    rate = answer(answerer).usage.tokens_per_second
    assert rate is not None
    assert 12 < rate < 21


def test_the_prompt_holds_passages_and_question(
    answerer: Answerer, town: None, ollama: FakeOllama
) -> None:
    answer(answerer)
    sent = [str(message["content"]) for message in ollama.chats[0].messages]
    assert len(sent) == 2
    assert TOWER in sent[1]
    assert HARBOUR in sent[1]
    assert sent[1].endswith(QUESTION)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("Clara Veit. [7]", "Clara Veit."),
        ("Clara Veit [0][3][99].", "Clara Veit."),
        ("Clara Veit [1, 9].", "Clara Veit [1]."),
    ],
)
def test_numbers_of_passages_that_were_not_shown_are_never_seen(
    answerer: Answerer, town: None, ollama: FakeOllama, written: str, text: str
) -> None:
    ollama.will_write(*written)
    seen = events(answerer)
    assert seen[-1].text == text
    assert all(text.startswith(part) for part in shown(seen))


@pytest.mark.parametrize("written", ["Long [12345].", "Nested [[9]7].", "Both [[9]1] [99999]."])
def test_brackets_that_only_look_like_citations_do_no_harm(
    answerer: Answerer, town: None, index: Index, ollama: FakeOllama, written: str
) -> None:
    ollama.will_write(written)
    require_verbatim(index, answer(answerer))


def test_a_passage_that_did_not_fit_cannot_be_cited(
    index: Index, add: Add, ollama: FakeOllama
) -> None:
    tall = "The lighthouse of Arnholm is tall. " * 80
    for number in range(8):
        add(f"tower-{number}.txt", f"{tall} It is number {number}.")
    settings = AssistantSettings(data_dir=index.settings.data_dir, llm_context=2048)
    ollama.will_write("Tall [1][4].")
    found = answer(Answerer(index, ChatModels(settings), settings), k=8)
    assert found.usage.passages_dropped > 0
    total = len(found.passages)
    left = tuple(range(found.usage.passages_used + 1, total + 1))
    assert found.dropped == left
    assert f"{len(left)} of {total} passages did not fit llama3.2:latest's context" in str(
        found.notice
    )
    assert found.text == "Tall [1]."


@pytest.mark.parametrize(
    "pieces",
    [
        [SENTINEL],
        list(SENTINEL),
        ["\n", *SENTINEL, "\n"],
        ["NOT_", "IN_", "DOCUMENTS", ". Sorry!"],
        [f"{SENTINEL} [1]"],
        ["I looked. ", *SENTINEL],
        ["**", *SENTINEL, "**"],
        [],
        [" \n "],
    ],
)
def test_a_model_that_finds_no_answer_abstains_and_its_code_word_is_never_shown(
    answerer: Answerer, town: None, ollama: FakeOllama, pieces: list[str]
) -> None:
    ollama.will_write(*pieces)
    seen = events(answerer)
    found = seen[-1]
    assert isinstance(found, Answer)
    assert found.abstained
    assert found.text == NO_ANSWER
    assert (found.sentences, found.citations) == ((), ())
    assert all("NOT_" not in text for text in shown(seen))


def test_a_word_that_begins_like_the_code_word_is_shown(
    answerer: Answerer, town: None, ollama: FakeOllama
) -> None:
    ollama.will_write("NOT", " ALLOWED", " [1].")
    seen = events(answerer)
    assert shown(seen) == ["NOT ALLOWED", "NOT ALLOWED [1]."]
    assert not seen[-1].abstained


@pytest.mark.parametrize("failure", ["drop", "error line", "no end", "length"])
def test_a_cut_answer_keeps_what_was_written_and_says_why(
    answerer: Answerer, town: None, index: Index, ollama: FakeOllama, failure: Any
) -> None:
    ollama.will_write(f"{BUILT} [1]", " And it", failure=failure)
    found = answer(answerer)
    assert found.text == f"{BUILT} [1] And it"
    assert found.cut is not None
    words = len(found.text.replace(" [1]", "").split()) + 1
    assert found.cut.startswith(f"The answer was cut after {words} words: ")
    assert not found.abstained
    assert found.sentences[0].support == Support.SUPPORTED
    require_verbatim(index, found)


@pytest.mark.parametrize(
    "failing",
    [
        (RuntimeError("can't allocate memory"), "The log has the details."),
        (EmbedderError("The model ended.", "Start again."), "The model ended. Start again."),
    ],
)
@pytest.mark.usefixtures("town")
def test_an_answer_that_cannot_be_checked_stays_and_says_why(
    answerer: Answerer,
    index: Index,
    ollama: FakeOllama,
    monkeypatch: pytest.MonkeyPatch,
    failing: tuple[Exception, str],
) -> None:
    failure, reason = failing

    def fails(_texts: object, **_: object) -> None:
        raise failure

    monkeypatch.setattr(index.embedder, "embed_passages", fails)
    # The words of the question are all there: nobody waits for the evidence of that.
    ollama.will_write(f"{BUILT} [1] ", "And so on. ", "The rest is set to NO", delay=0.1)
    found = answer(answerer)
    assert found.text == f"{BUILT} [1] And so on. The rest is set to NO"
    assert found.model == "llama3.2:latest"
    assert (found.sentences, found.citations, found.cut) == ((), (), None)
    assert found.notice == f"This answer could not be checked. {reason}"
    ollama.will_write(f"It is not there. {SENTINEL}")
    assert answer(answerer).abstained


@pytest.mark.parametrize(
    "failure", ["crash", "error line", "memory", "busy", "too long", "drop", "no end", "length"]
)
def test_a_model_that_fails_at_once_is_named_and_quotes_take_its_place(
    answerer: Answerer, town: None, ollama: FakeOllama, failure: Any
) -> None:
    ollama.will_write(failure=failure)
    found = answer(answerer)
    assert found.mode == "quotes"
    assert found.citations
    assert str(found.notice).endswith(". Meanwhile these are quotes.")
    assert found.cut is None


def test_a_cut_code_word_is_not_shown_either(
    answerer: Answerer, town: None, ollama: FakeOllama
) -> None:
    ollama.will_write("NOT_IN_", "DOC", failure="drop")
    seen = events(answerer)
    assert "NOT_" not in seen[-1].text
    assert shown(seen) == []


def test_closing_the_stream_stops_the_model(
    answerer: Answerer, town: None, ollama: FakeOllama
) -> None:
    ollama.will_write(*["word "] * 1000, delay=0.05)

    async def stopped() -> float:
        stream: AsyncGenerator[Event, None]
        async with aclosing(answerer.stream(QUESTION)) as stream:
            async for event in stream:
                if isinstance(event, Writing):
                    break
            closing = time.monotonic()
        await asyncio.to_thread(ollama.chats[0].over.wait, 5)
        return closing

    closing = asyncio.run(stopped())
    chat = ollama.chats[0]
    assert chat.closed_after is not None
    assert chat.received + chat.closed_after - closing < 0.2


# -- quotes ----------------------------------------------------------------------------------


def test_without_a_model_the_answer_is_made_of_quotes(
    answerer: Answerer, town: None, index: Index, no_ollama: int
) -> None:
    seen = events(answerer)
    found = seen[-1]
    assert isinstance(found, Answer)
    assert [type(event) for event in seen] == [Searching, Reading, Answer]
    assert (found.mode, found.model, found.abstained) == ("quotes", None, False)
    assert "`ollama serve`" in str(found.notice)
    assert found.text.startswith(f"“{BUILT}” [1]")
    assert found.sentences[0].support == Support.SUPPORTED
    require_verbatim(index, found)


def test_without_a_model_nothing_is_quoted_that_does_not_answer(
    answerer: Answerer, town: None, no_ollama: int
) -> None:
    found = answer(answerer, "Which enzyme splits lactose?")
    assert found.abstained
    assert found.text == NO_ANSWER
    assert found.mode == "quotes"
    assert found.notice is None


def test_answers_are_written_once_ollama_runs_and_quoted_again_once_it_stops(
    answerer: Answerer, town: None, no_ollama: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ollama_models, "FRESH", 0.0)
    assert answer(answerer).mode == "quotes"
    with FakeOllama(port=no_ollama):
        found = answer(answerer)
        assert (found.mode, found.notice) == ("model", None)
        assert found.text.startswith(f"{BUILT} [1]")
    assert answer(answerer).mode == "quotes"


def test_an_unknown_model_is_named_and_the_answer_is_quoted(
    answerer: Answerer, town: None, ollama: FakeOllama
) -> None:
    found = answer(answerer, model="gone")
    assert found.mode == "quotes"
    assert "`ollama pull gone`" in str(found.notice)
    assert ollama.chats == []


# -- bounds ----------------------------------------------------------------------------------


def test_an_empty_index_says_that_there_are_no_documents(
    answerer: Answerer, ollama: FakeOllama
) -> None:
    seen = events(answerer)
    assert seen[:2] == [Searching(0), Reading(())]
    assert seen[-1].abstained
    assert seen[-1].text == NO_DOCUMENTS
    assert ollama.chats == []


@pytest.mark.parametrize(
    ("question", "given"),
    [
        ("", {}),
        (" \n", {}),
        ("why " * 25_000, {}),
        (QUESTION, {"k": 0}),
        (QUESTION, {"k": 10_000}),
        (QUESTION, {"scope": Scope("nowhere")}),
        (QUESTION, {"language": "tlh"}),
    ],
)
def test_a_request_out_of_bounds_is_refused_before_anything_is_searched(
    answerer: Answerer, town: None, ollama: FakeOllama, question: str, given: dict[str, Any]
) -> None:
    with pytest.raises(InputError) as caught:
        events(answerer, question, **given)
    assert caught.value.next_step
    assert ollama.calls == []


def test_only_the_collection_and_documents_asked_for_are_read(
    answerer: Answerer, town: None, add: Add, no_ollama: int
) -> None:
    other = add("other.txt", "A lighthouse stands in Belmar.", "elsewhere")
    for scope in (Scope("elsewhere"), Scope(document_ids=[other.id])):
        assert {p.document for p in answer(answerer, scope=scope).passages} == {"other.txt"}


# -- what holds for every answer -------------------------------------------------------------

DOCUMENT = "the lighthouse harbour 1871 Clara not 第一。 灯台 é 🙂 <b> [2] # | - “Yes.” e.g. [1]."
SPACED = ["built it.", "Is it?", "\r\n", "\n\n", "\n- item ", "\n# Head\n", "\t", "  "]
WORDS = st.lists(st.sampled_from([*DOCUMENT.split(), *SPACED]), min_size=1, max_size=60)
SAID = "The lighthouse was built. 第一。 Is it? 1871 ** e.g. not"
CITED = [" [1]", "[2]. ", " [1, 4].\n", "[77]", " [[9]1] ", "[12345]", " [passage 2]. ", "\n- "]
PIECES = st.lists(
    st.sampled_from(SAID.split()) | st.sampled_from(CITED) | st.just(" "), min_size=3, max_size=20
)


@pytest.mark.parametrize("mode", ["model", "quotes"])
@pytest.mark.usefixtures("town")
def test_every_quote_is_what_its_document_says_there(
    mode: str,
    answerer: Answerer,
    index: Index,
    add: Add,
    ollama: FakeOllama,
) -> None:
    if mode == "quotes":
        ollama.models.clear()
    cited = 0

    @hypothesis_settings(
        max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    @given(
        WORDS.map(" ".join), PIECES, st.sampled_from([QUESTION, "not 灯台", "Is it built?", "1871"])
    )
    @example(["The", "lighthouse", "is", "tall."], ["It was built. [1]"], QUESTION)
    def holds(document: list[str], pieces: list[str], question: str) -> None:
        nonlocal cited
        add(f"{uuid4()}.md", f"{uuid4().hex} {' '.join(document)}")
        if mode == "model":
            ollama.will_write(*pieces)
        seen = events(answerer, question)
        found = seen[-1]
        assert isinstance(found, Answer)
        assert found.mode == mode
        require_verbatim(index, found)
        assert all(found.text.startswith(text.strip()) for text in shown(seen))
        json.dumps(answer_shape(found))
        cited += len(found.citations)

    holds()
    assert cited
