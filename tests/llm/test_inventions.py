"""What a small model invents over the example documents, and what Footnote says of it."""

import asyncio
import re
import sys
from collections import Counter
from collections.abc import Iterator

import pytest
from fake_ollama import FakeOllama
from ollama_wire import OllamaServer
from working import index_of_examples

from assistant.answering import Answerer
from assistant.events import Answer, Sentence
from assistant.models import ChatModels
from assistant.settings import AssistantSettings
from assistant.verification import Support
from ingest.index.embedding import Embedder
from ingest.index.index import Index

UNANSWERED = [
    "What is the director's salary?",
    "What is the wifi password of the cottage?",
    "Which company insures the lighthouse?",
]
ANSWERED = [
    "How much fuel may be stored on the property?",
    "What does the Tenant pay to end the lease in 2032?",
    "How many days of holiday can be carried over, and until when?",
    "How many kittiwake nests were counted in 2025?",
    "How many steps are there to the gallery?",
]

WRITTEN = [
    ("What is the director's salary?", "The director's salary is £120."),
    (
        "What is the wifi password of the cottage?",
        "The cottage has a WiFi password of 123456.",
    ),
    (
        "How much fuel may be stored on the property?",
        "The Landlord may store 1.2 tonnes of fuel on the property.",
    ),
    (
        "How many days of holiday can be carried over, and until when?",
        "The Landlord may return the deposit to the Tenant by 31 March of each year.",
    ),
    (
        "How often must someone who works alone call in?",
        "Members of the Port Ellary lifeboat crew may leave work at any time during the year.",
    ),
]
"""What SmolLM2-135M wrote to these questions, and no document says."""

NUMBERS = [
    ("How many kittiwake nests were counted in 2025?", "17"),
    ("How many steps are there to the gallery?", "1"),
]
"""What it wrote to these: no answer, but such numbers stand somewhere."""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Iterator[Index]:
    """The example documents, indexed as a person's are."""
    with index_of_examples(tmp_path_factory.mktemp("examples") / "data", embedder) as opened:
        yield opened


def answered(index: Index, question: str, context: int = 3072) -> Answer:
    # What is written is looked at here, also where nothing ought to be.
    settings = AssistantSettings(
        data_dir=index.settings.data_dir, llm_context=context, abstain_below=0
    )
    answerer = Answerer(index, ChatModels(settings), settings)

    async def last() -> Answer:
        found = [event async for event in answerer.stream(question)]
        assert isinstance(found[-1], Answer)
        return found[-1]

    return asyncio.run(last())


@pytest.mark.parametrize(("question", "invention"), WRITTEN)
@pytest.mark.parametrize("cites", ["", " [1]", " [1][2][3][4][5]"])
def test_a_known_invention_is_not_called_supported(
    question: str, invention: str, cites: str, index: Index, ollama: FakeOllama
) -> None:
    ollama.will_write(invention + cites)
    [sentence] = answered(index, question, 8192).sentences
    assert sentence.text == invention
    assert sentence.support is not Support.SUPPORTED


@pytest.mark.parametrize(("question", "number"), NUMBERS)
def test_a_number_alone_without_a_source_is_not_called_supported(
    question: str, number: str, index: Index, ollama: FakeOllama
) -> None:
    ollama.will_write(number)
    [sentence] = answered(index, question, 8192).sentences
    assert sentence.support is Support.UNCITED


@pytest.mark.llm
@pytest.mark.timeout(900)
def test_inventions_are_counted_by_verdict(
    index: Index, smollm: OllamaServer, capsys: pytest.CaptureFixture[str]
) -> None:
    counts = {"with an answer": Counter[Support](), "without one": Counter[Support]()}
    for question in (*ANSWERED, *UNANSWERED):
        answer = answered(index, question)
        assert answer.mode == "model"
        kind = "without one" if question in UNANSWERED else "with an answer"
        # A small model may repeat itself for as long as it has room.
        sentences = list(dict.fromkeys(answer.sentences))
        counts[kind].update(sentence.support for sentence in sentences)
        shown = " ".join(p.text for p in answer.passages if p.number not in answer.dropped)
        for sentence in sentences:
            if sentence.support is Support.SUPPORTED:
                require_numbers(sentence, shown)
                assert question not in UNANSWERED or not invents(sentence), sentence
    lines = [f"{'questions':16}" + "".join(f"{support:>13}" for support in Support)]
    for kind, found in counts.items():
        lines.append(f"{kind:16}" + "".join(f"{found[support]:13}" for support in Support))
    with capsys.disabled():
        sys.stdout.write("\n" + "\n".join(lines) + "\n")
    assert sum(counts["with an answer"].values()) >= len(ANSWERED)


def require_numbers(sentence: Sentence, shown: str) -> None:
    """Each number of a supported sentence stands in what the model was shown."""
    known = set(re.findall(r"\d+", shown))
    for number in re.findall(r"\d+", re.sub(r"<[^>]*>?", "", sentence.text)):
        assert number in known, sentence


def invents(sentence: Sentence) -> bool:
    """Whether a sentence answers a question that the documents do not answer."""
    return bool(re.search(r"salary|password|insure[sd]", sentence.text, re.IGNORECASE))
