"""The estimates of tokens against a real tokenizer with a small vocabulary, SmolLM2's."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from assistant.tokens import least_tokens, most_tokens

pytestmark = pytest.mark.llm

ROOT = Path(__file__).parents[2]
OTHERS = {
    "German": "Der Leuchtturm wurde im Jahre 1871 von der Baumeisterin Clara Veit errichtet.",
    "Polish": "Latarnia morska została zbudowana w 1871 roku przez Klarę Veit.",
    "Greek": "Ο φάρος χτίστηκε το 1871 από την Κλάρα Βάιτ.",
    "Russian": "Маяк был построен в 1871 году Кларой Вайт.",
    "Hindi": "प्रकाशस्तंभ 1871 में क्लारा वाइट ने बनाया था।",
    "Chinese": "灯塔由克拉拉·维特于一八七一年建造。",
    "Japanese": "灯台は1871年にクララ・ファイトによって建てられました。",
    "Arabic": "بنيت المنارة عام 1871 على يد كلارا فايت.",
    "code": "def stem(word: str) -> int:\n    return hash(word[:-3]) % 2**32  # 0x7fff\n",
    "numbers": "| 2024 | 1,234,567.89 | 98.6 % |\n|---|---|---|\n| 2025 | 7,654,321.00 | 12 % |",
}


@pytest.fixture(scope="module")
def model() -> Iterator[object]:
    from smollm import SmolLM

    with closing(SmolLM(512)) as loaded:
        yield loaded


def texts() -> dict[str, str]:
    """Paragraphs of this project's own documents, and other scripts."""
    found = dict(OTHERS)
    for path in [*ROOT.glob("docs/*.md"), *ROOT.glob("examples/**/*.md")]:
        for number, paragraph in enumerate(path.read_text("utf-8").split("\n\n")):
            if len(paragraph) > 100:
                found[f"{path.name}, {number}"] = paragraph
    return found


def test_no_text_has_more_or_fewer_tokens_than_was_estimated(model: object) -> None:
    counted = texts()
    assert len(counted) > 100
    for name, text in counted.items():
        tokens = len(model.tokens(text))  # type: ignore[attr-defined]
        assert least_tokens(text) <= tokens, name
        # An estimate may be a little low; the room left for the answer makes it good.
        assert tokens <= 1.125 * most_tokens(text), name
    total = sum(len(model.tokens(text)) for text in counted.values())  # type: ignore[attr-defined]
    assert sum(map(most_tokens, counted.values())) <= 1.6 * total
