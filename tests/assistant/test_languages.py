"""Documents in many languages in one index, found by their words alone."""

from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest
from working import make_worker

from assistant.retrieval import Retriever
from ingest.index.embedding import Embedder
from ingest.index.index import Index
from ingest.index.keywords import passage_keywords, question_keywords
from ingest.index.store import Where
from ingest.index.tables import State
from ingest.settings import IngestSettings

DOCUMENTS = {
    # name: (language, text)
    "vertrag.txt": (
        "de",
        "Die Verträge wurden von den Ministern beider Länder unterzeichnet. Sie gelten für die "
        "nächsten Jahrzehnte, und niemand darf sie einseitig kündigen.",
    ),
    "garten.txt": (
        "de",
        "Im Frühling werden die Beete umgegraben und die Sträucher zurückgeschnitten. Danach "
        "wird alles reichlich gegossen.",
    ),
    "logement.txt": (
        "fr",
        "Les habitations anciennes étaient chauffées au charbon. Les cheminées fumaient toute "
        "la nuit et les murs restaient humides.",
    ),
    "marché.txt": (
        "fr",
        "Le marché a lieu chaque samedi sur la place. On y trouve des fromages, du pain et des "
        "légumes de la région.",
    ),
    "hotel.txt": (
        "es",
        "Las habitaciones tenían ventanas pequeñas que daban al patio. Por la noche se oían las "
        "canciones de los vecinos.",
    ),
    "barco.txt": (
        "es",
        "El barco salió del puerto con dos horas de retraso porque el motor no arrancaba.",
    ),
    "библиотека.txt": (
        "ru",
        "Редкие книги хранятся в старых библиотеках города. Читатели получают их только по "
        "письменному разрешению директора.",
    ),
    "поезд.txt": (
        "ru",
        "Поезд отправляется рано утром и прибывает на вокзал вечером того же дня.",
    ),
    "talo.txt": (
        "fi",
        "Vanhojen talojen ikkunat maalattiin vihreiksi viime kesänä. Samalla korjattiin myös "
        "katto ja ulko-ovet, jotka olivat huonossa kunnossa.",
    ),
    "järvi.txt": (
        "fi",
        "Kalastajat lähtivät aamulla veneellä ja palasivat vasta illalla ilman saalista.",
    ),
    "susi.txt": (
        "tl",
        "Ang mga susi ng kuwarto ay ibinabalik sa tanggapan tuwing gabi. Huwag itong dalhin sa "
        "labas ng gusali.",
    ),
    "palengke.txt": (
        "tl",
        "Maagang nagbubukas ang palengke at maraming tao ang bumibili ng isda at gulay doon.",
    ),
    "鍵.txt": ("ja", "部屋の鍵は夜に受付へ返却してください。紛失した場合は弁償していただきます。"),
    "庭.txt": ("ja", "春になると庭の木を剪定し、花に水をやります。夏は雑草を抜きます。"),
    "กุญแจ.txt": ("th", "กรุณาคืนกุญแจห้องที่แผนกต้อนรับในตอนเย็น หากทำหายต้องจ่ายค่าปรับ"),
    "ตลาด.txt": ("th", "ตลาดเปิดทุกวันเสาร์และขายผักสดจากสวนในหมู่บ้าน"),
    "rooms.txt": (
        "en",
        "The keys of the rooms are handed in at the reception every night. Whoever loses one "
        "pays for it.",
    ),
    "trains.txt": (
        "en",
        "Trains are leaving the station early in the morning and arriving in the evening.",
    ),
    "die.txt": (
        "en",
        "The old sailor died in the winter of 1871, and his daughters sold the boat.",
    ),
}

QUESTIONS = [
    # Not one word stands in the text as it is asked for, but for the last ones.
    ("Welcher Minister eines Landes unterschrieb einen Vertrag?", "vertrag.txt"),
    ("Une habitation ancienne, comment se chauffait-elle ?", "logement.txt"),
    ("¿Cuál habitación tiene una ventana pequeña?", "hotel.txt"),
    ("Где хранится редкая книга из старой библиотеки?", "библиотека.txt"),
    ("Mikä talo?", "talo.txt"),
    ("susi kuwarto", "susi.txt"),
    ("鍵の返却", "鍵.txt"),
    ("กุญแจห้องคืนที่ไหน", "กุญแจ.txt"),
    # Without the accents that it has.
    ("habitacion pequena", "hotel.txt"),
    ("Vertrage", "vertrag.txt"),
    # English, whose words the others' encoders must not lead astray.
    ("Where is a room's key to be handed in?", "rooms.txt"),
    ("When does the train leave?", "trains.txt"),
    ("When did the sailor die?", "die.txt"),
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Iterator[Index]:
    """All the documents, in one index."""
    settings = IngestSettings(data_dir=tmp_path_factory.mktemp("babel") / "data", _env_file=None)
    with closing(Index(settings)) as opened:
        opened.embedder = embedder
        opened.own("tests")
        for name, (_, text) in DOCUMENTS.items():
            opened.add_file(BytesIO(text.encode()), name, "default")
        worker = make_worker(opened)
        worker.drain()
        yield opened


def found_by_words(index: Index, question: str, languages: tuple[str, ...]) -> list[str]:
    vector = index.embedder.embed_question(question)
    keywords = question_keywords(question, languages)
    hits = index.store.search(vector, keywords, 20, Where()).keywords
    names = {record.id: record.name for record in index.catalogue.documents()}
    return [names[one.document_id] for one in index.store.fetch([hit.chunk_id for hit in hits])]


def test_the_language_of_each_document_is_known(index: Index) -> None:
    records = index.catalogue.documents()
    assert {record.state for record in records} == {State.READY}
    assert {record.name: record.language for record in records} == {
        name: language for name, (language, _) in DOCUMENTS.items()
    }
    assert index.catalogue.summary().languages == (
        "de",
        "en",
        "es",
        "fi",
        "fr",
        "ja",
        "ru",
        "th",
        "tl",
    )
    assert index.catalogue.summary("default").languages == index.catalogue.summary().languages


@pytest.mark.parametrize(("question", "name"), QUESTIONS)
def test_words_alone_find_what_is_meant(index: Index, question: str, name: str) -> None:
    found = found_by_words(index, question, index.catalogue.summary().languages)
    assert found[0] == name


@pytest.mark.parametrize(("question", "name"), QUESTIONS[:5])
def test_word_for_word_nothing_would_be_found(question: str, name: str) -> None:
    asked = question_keywords(question, ["xx"]).indices
    assert set(asked).isdisjoint(passage_keywords(DOCUMENTS[name][1], "xx").indices)


@pytest.mark.parametrize(("question", "name"), QUESTIONS[10:])
def test_questions_in_english_find_english_documents_alone(
    index: Index, question: str, name: str
) -> None:
    found = found_by_words(index, question, index.catalogue.summary().languages)
    assert found == found_by_words(index, question, ("en",))


@pytest.mark.parametrize(("question", "name"), QUESTIONS)
def test_a_search_finds_them_too_and_says_that_there_is_an_answer(
    index: Index, question: str, name: str
) -> None:
    found = Retriever(index).find(question, 3)
    best = found.passages[0]
    assert (best.document, best.language) == (name, DOCUMENTS[name][0])
    assert found.evidence.answerable


def test_a_language_is_searched_for_as_soon_as_it_is_there(
    tmp_path: Path, embedder: Embedder
) -> None:
    settings = IngestSettings(data_dir=tmp_path / "data", _env_file=None)
    with closing(Index(settings)) as index:
        index.embedder = embedder
        index.own("tests")
        worker = make_worker(index)
        for name in ("rooms.txt", "vertrag.txt"):
            index.add_file(BytesIO(DOCUMENTS[name][1].encode()), name, "default")
            worker.drain()
            languages = index.catalogue.summary("default").languages
        assert languages == ("de", "en")
        assert index.catalogue.summary("elsewhere").languages == ()
