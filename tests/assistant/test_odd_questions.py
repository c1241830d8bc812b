"""Questions and filters that nobody should ask, through the retriever and the endpoints."""

import json
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import closing
from io import BytesIO
from typing import Any

import httpx
import pytest
from serving import Page
from working import make_worker

from assistant.retrieval import MAX_PASSAGES, MAX_QUESTION, Found, Retriever
from assistant.scope import Scope
from ingest.index.embedding import Embedder
from ingest.index.errors import InputError
from ingest.index.index import Index
from ingest.settings import IngestSettings

TEXTS = {
    "lamp.txt": "The lamp of the lighthouse burned oil until 1934. " * 8,
    "keeper.md": "# Keeper\n\nThe keeper of the lighthouse was Clara Veit.\n\n" * 6,
    "鍵.txt": "部屋の鍵は夜に受付へ返却してください。紛失した場合は弁償していただきます。" * 5,
    "odd.txt": "\u202e\u2066 A line \u200b that \x07 turns \U0001f600 around\u2028 and\ufeff on. "
    * 9,
}

SCRIPTS = [
    "Where is the lighthouse?",
    "¿Dónde está el faro?",
    "Где маяк?",
    "Πού είναι ο φάρος;",
    "איפה המגדלור?",
    "أين المنارة؟",
    "लाइटहाउस कहाँ है?",
    "বাতিঘর কোথায়?",
    "கலங்கரை விளக்கம் எங்கே?",
    "ประภาคารอยู่ที่ไหน",
    "មជ្ឈមណ្ឌល\u200bនៅ\u200bឯណា",
    "မီးပြတိုက်ဘယ်မှာလဲ",
    "灯台はどこですか",
    "灯塔在哪里？",
    "등대는 어디에 있습니까?",
    "შუქურა სად არის?",
    "ፋሮስ የት ነው?",
    "བཞག་ས་ག་པར་ཡོད།",
    "𐎠𐎡𐎢 𓀀𓀁 𝔴𝔥𝔢𝔯𝔢",
]
ODD = [
    "\0",
    "the \0 lamp",
    "\x01\x02\x1b[31m lamp \x7f\x9b",
    "\ud800",
    "lamp \udfff\ud83d lamp",
    "\udcff\udcfe",
    "\u202elamp\u202c \u2066x\u2069 \u200f",
    "\u200b\u200c\u200d\ufeff",
    "\u0301\u0301\u0301",
    "e" + "\u0301" * 3000,
    "\uffff\ufffe\U0010ffff",
    "the of and to in",
    "der die das und la le les",
    "?",
    "!?.,;:…—()[]{}\"'",
    "‽ ؟ 。、「」",
    "😀",
    "👩‍👩‍👧‍👦🏳️‍🌈🇨🇭❤️",
    "' OR 1=1; DROP TABLE documents; --",
    '{"$ne": null} ${jndi:x} {{7*7}} <script>alert(1)</script>',
    "../../../etc/passwd",
    "a" * MAX_QUESTION,
    "鍵" * MAX_QUESTION,
    "😀" * MAX_QUESTION,
    "\ud800" * MAX_QUESTION,
    "lamp " * 799,
    " \t\n lamp \r\n ",
    "0",
    "-1e309 NaN ∞",
]
REFUSED = ["", " \n\t\u3000 ", "lamp " * 20_000, "a" * (MAX_QUESTION + 1), "\ud800" * 100_000]
UNKNOWN = "00000000-0000-5000-8000-000000000000"
NO_IDS = [
    "",
    "\0",
    "\ud800",
    "x",
    "lamp.txt",
    UNKNOWN,
    UNKNOWN.upper(),
    "{" + UNKNOWN + "}",
    "' --",
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Iterator[Index]:
    """Four documents, one of them odd itself."""
    settings = IngestSettings(data_dir=tmp_path_factory.mktemp("odd") / "data", _env_file=None)
    with closing(Index(settings)) as opened:
        opened.embedder = embedder
        opened.own("tests")
        for name, text in TEXTS.items():
            opened.add_file(BytesIO(text.encode()), name, "default")
        make_worker(opened, chunk_tokens=64).drain()
        assert len(opened.catalogue.summary().languages) > 1
        yield opened


@pytest.fixture
def find(index: Index) -> Callable[..., Found]:
    """Return `Retriever.find`, whose results are looked at."""

    def found(question: Any, k: Any = 5, **scope: Any) -> Found:
        result = Retriever(index).find(question, k, Scope(**scope))
        require_sound(index, result)
        return result

    return found


def require_sound(index: Index, found: Found) -> None:
    assert 0 <= found.evidence.score <= 1
    assert [one.number for one in found.passages] == list(range(1, len(found.passages) + 1))
    for passage in found.passages:
        document = index.document(passage.document_id)
        assert document is not None
        assert document.text == TEXTS[passage.document]
        assert document.text[passage.start : passage.end] == passage.text


@pytest.mark.parametrize("question", SCRIPTS + ODD, ids=ascii)
def test_any_question_is_searched(find: Callable[..., Found], question: str) -> None:
    assert find(question).passages


@pytest.mark.parametrize("question", REFUSED, ids=lambda text: ascii(text[:20]))
def test_an_empty_or_endless_question_is_refused(find: Callable[..., Found], question: str) -> None:
    with pytest.raises(InputError) as caught:
        find(question)
    assert len(str(caught.value)) < 200


def test_a_question_in_any_form_of_unicode_is_the_same(find: Callable[..., Found]) -> None:
    question = "Où est la clé de l’hôtel à Zürich ?"
    forms = {
        tuple(passage.chunk_id for passage in find(unicodedata.normalize(form, question)).passages)
        for form in ("NFC", "NFD")
    }
    assert len(forms) == 1


def test_more_passages_than_there_are_are_those_there_are(find: Callable[..., Found]) -> None:
    every = find("lamp", MAX_PASSAGES).passages
    assert {passage.document for passage in every} == set(TEXTS)
    assert len(every) < MAX_PASSAGES


@pytest.mark.parametrize(
    "k", [0, -1, MAX_PASSAGES + 1, 10**30, 2.5, "5", None, True, [3], "\ud800"]
)
def test_no_number_of_passages_is_refused(find: Callable[..., Found], k: Any) -> None:
    with pytest.raises(InputError, match="The number of passages cannot be"):
        find("lamp", k)


@pytest.mark.parametrize(
    ("scope", "what"),
    [
        ({"collection": "no such"}, "There is no collection called no such."),
        ({"collection": ""}, "There is no collection called"),
        ({"collection": "\0"}, "There is no collection called"),
        ({"collection": "\ud800"}, "There is no collection called"),
        ({"collection": 5}, "`collection` is no text."),
        ({"kinds": ["\ud800"]}, "No document was read as"),
        ({"kinds": "text"}, "`kinds` is no list of texts."),
        ({"kinds": [None]}, "`kinds` is no list of texts."),
        ({"since": 5}, "`since` is no text."),
        ({"before": ["2026-01-01"]}, "`before` is no text."),
        ({"document_ids": "x"}, "`document_ids` is no list of texts."),
        ({"document_ids": [5]}, "`document_ids` is no list of texts."),
        ({"document_ids": {"a": 1}}, "`document_ids` is no list of texts."),
    ],
)
def test_a_filter_that_cannot_be_is_refused(
    find: Callable[..., Found], scope: dict[str, Any], what: str
) -> None:
    with pytest.raises(InputError) as caught:
        find("lamp", **scope)
    assert what in str(caught.value)
    str(caught.value).encode()


@pytest.mark.parametrize("given", NO_IDS, ids=ascii)
def test_what_is_no_document_s_id_matches_none(
    index: Index, find: Callable[..., Found], given: str
) -> None:
    [lamp] = [record.id for record in index.catalogue.documents() if record.name == "lamp.txt"]
    assert find("lamp", document_ids=[given]).passages == []
    assert {one.document for one in find("key", document_ids=[given, lamp]).passages} == {
        "lamp.txt"
    }


def test_a_thousand_ids_are_a_filter(find: Callable[..., Found]) -> None:
    ids = [f"{number:08x}-0000-5000-8000-000000000000" for number in range(10_000)]
    assert find("lamp", document_ids=ids).passages == []


# -- the endpoints ---------------------------------------------------------------------------


def call(page: Page, endpoint: str, **given: Any) -> tuple[str, Any]:
    """Return the last event of a call over plain HTTP, and its data."""
    begun = httpx.post(
        f"{page.url}/gradio_api/call/v2/{endpoint}",
        content=json.dumps(given),
        headers={"Content-Type": "application/json"},
    )
    assert begun.status_code == 200, begun.text
    event_id = begun.json()["event_id"]
    answer = httpx.get(f"{page.url}/gradio_api/call/{endpoint}/{event_id}", timeout=60)
    *_, event, data = [line for line in answer.text.split("\n") if line.strip()]
    return event.removeprefix("event: "), json.loads(data.removeprefix("data: "))


@pytest.fixture(scope="module")
def odd_page(_running: Page) -> Iterator[Page]:
    """The application with those documents."""
    for name, text in TEXTS.items():
        record, _ = _running.index.add_file(BytesIO(text.encode()), name, "default")
        _running.wait(record.id)
    yield _running
    _running.clear()


SAID = [one for one in ODD if not any("\ud800" <= character <= "\udfff" for character in one)]


@pytest.mark.parametrize(
    ("endpoint", "questions"),
    [("search", SCRIPTS[8:] + SAID), ("ask", [SCRIPTS[9], *SAID[:4], "the of and", "?", "😀"])],
)
def test_endpoints_take_any_question(
    odd_page: Page, no_ollama: int, endpoint: str, questions: list[str]
) -> None:
    for question in questions:
        event, [found] = call(odd_page, endpoint, question=question)
        assert event == "complete", question
        assert found["passages"]
        for passage in found["passages"]:
            text = TEXTS[passage["document"]]
            assert text[passage["start"] : passage["end"]] == passage["text"]


@pytest.mark.parametrize("endpoint", ["search", "ask"])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"question": " "}, "The question is empty."),
        ({"question": "x" * 100_000}, "The question has 100,000 characters;"),
        ({"question": 5}, "The question is no text."),
        ({"question": None}, "The question is no text."),
        ({"question": ["lamp"]}, "The question is no text."),
        ({"question": "lamp", "k": "many"}, "The number of passages cannot be"),
        ({"question": "lamp", "k": 10**12}, "The number of passages cannot be"),
        ({"question": "lamp", "collection": "\0"}, "There is no collection called"),
        ({"question": "lamp", "document_ids": 5}, "`document_ids` is no list of texts."),
        ({"question": "lamp", "kinds": ["exe"]}, "No document was read as 'exe'."),
        ({"question": "lamp", "since": "31.1.2026"}, "'31.1.2026' is no date."),
    ],
)
def test_endpoints_refuse_in_a_sentence(
    odd_page: Page, no_ollama: int, endpoint: str, given: dict[str, Any], said: str
) -> None:
    event, told = call(odd_page, endpoint, **given)
    assert event == "error"
    assert said in told["error"]
    assert "Traceback" not in json.dumps(told)


def test_a_lone_surrogate_is_refused_or_searched_never_a_traceback(odd_page: Page) -> None:
    begun = httpx.post(
        f"{odd_page.url}/gradio_api/call/v2/search", content='{"question": "lamp \\ud800"}'
    )
    assert "Traceback" not in begun.text
    assert odd_page.index.catalogue.passages() > 0
    assert call(odd_page, "search", question="lamp")[0] == "complete"
