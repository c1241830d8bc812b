"""What examples/README.md suggests to ask is answered, and what no document tells is not."""

import re
from collections.abc import Iterator

import pytest
from working import EXAMPLES, index_of_examples

from assistant.retrieval import Retriever
from ingest.index.embedding import Embedder

SUGGESTED = re.findall(
    r"^\| (\S.+?\?) \|", (EXAMPLES / "README.md").read_text(encoding="utf-8"), re.MULTILINE
)


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Iterator[Retriever]:
    with index_of_examples(tmp_path_factory.mktemp("examples") / "data", embedder) as index:
        yield Retriever(index)


def test_there_are_suggestions() -> None:
    assert len(SUGGESTED) > 5


@pytest.mark.parametrize("question", SUGGESTED)
def test_what_is_suggested_is_answered(examples: Retriever, question: str) -> None:
    assert examples.find(question, 5).evidence.answerable


@pytest.mark.parametrize(
    "question",
    [
        "Which enzyme unwinds the double helix before replication?",
        "How do I reset the admin password of a MySQL server?",
        "What is the capital of Mongolia?",
    ],
)
def test_what_is_not_there_is_not(examples: Retriever, question: str) -> None:
    assert not examples.find(question, 5).evidence.answerable
