"""Answers as the page shows them."""

import re

import pytest

from assistant.conversations import Conversation, Turn
from assistant.events import Answer, Citation, Sentence
from assistant.ui.render import messages
from assistant.verification import Support

QUOTES = [
    "13. Ending the lease early 6",
    "Dr. Veit said so. She was right!",
    "A note [1] of the document's own.",
    "either party may end this\nlease by 1 month's notice.",
    "Is it? Yes.\tIt is.",
]


def shown(answer: Answer) -> str:
    conversation = Conversation("c", turns=[Turn(answer.question, answer=answer)])
    return messages(conversation)[1]["content"]


def answer(mode: str, text: str, sentences: list[Sentence]) -> Answer:
    citations = tuple(
        Citation(number, order, "lease.pdf", "id", 0, 9, sentence.text, 1, ())
        for order, sentence in enumerate(sentences)
        for number in sentence.citations
    )
    model = "llama3.2" if mode == "model" else None
    return Answer("Why?", text, False, mode, model, tuple(sentences), citations, ())


@pytest.mark.parametrize("first", QUOTES)
@pytest.mark.parametrize("second", QUOTES)
def test_every_quote_has_its_link_whatever_stands_in_it(first: str, second: str) -> None:
    sentences = [
        Sentence(first, (2,), Support.SUPPORTED),
        Sentence(second, (1,), Support.SUPPORTED),
    ]
    text = f"“{first}” [2]\n\n“{second}” [1]"
    page = shown(answer("quotes", text, sentences))
    assert re.findall(r'href="#cite-0-(\d)"[^>]*>(\d)</a>', page) == [("0", "2"), ("1", "1")]
    assert "<br>" not in page


def test_quotes_that_say_that_there_are_none_are_shown_as_they_are() -> None:
    assert "Your documents don't answer this\\." in shown(
        answer("quotes", "Your documents don't answer this.", [])
    )


def test_a_model_s_marks_are_links_where_they_cite() -> None:
    text = "It was built in 1871 [1]. Nobody knows why. See note [7]."
    sentences = [
        Sentence("It was built in 1871.", (1,), Support.SUPPORTED),
        Sentence("Nobody knows why.", (), Support.UNCITED),
        Sentence("See note [7].", (), Support.UNCITED),
    ]
    page = shown(answer("model", text, sentences))
    assert re.findall(r'href="#cite-0-(\d)"', page) == ["0"]
    assert page.count('class="said uncited"') == 2
    assert "[7]" in page
