"""Searches: Footnote's embedded store and its whole search, beside stock LangChain.

    python bench/search.py [--chunks 2000 20000 100000 250000] [--queries 200] [--plot FILE.svg]

Chunks are made up (bench/corpus.py), in a catalogue and a store of a temporary data folder. For
every size and question it times, in milliseconds:

- the store's hybrid query: 60 nearest vectors, rescored, and 60 best by BM25; the same
  confined to one of the five collections, to ten documents, to one of four kinds, to the later
  half by date, and to collection, kind and date at once;
- the whole `Retriever.search`, and embedding the question with the real model inside it;
- that search confined to a collection, all kinds and the later half;
- that search with its evidence (`Retriever.find`), as answers and `/search` ask for it;
- fetching the texts of its hits and of what stands around them;
- what a search adds to embedding and store: fusing, the catalogue, widening.

Then eight callers search at once, and their searches a second are compared with one caller's.

Beside it in the same run, of the same chunks: stock LangChain (`similarity_search` of a
QdrantVectorStore in memory with HuggingFaceEmbeddings: vectors alone), unless --no-langchain,
and up to --peer-chunks chunks qdrant-client's local mode with the same hybrid queries, through
the same code as a Qdrant server would. --plot draws time against size.
"""

import argparse
import gc
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

# `ingest` is the package at the root, not the file beside this one.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from assistant.retrieval import CANDIDATES, Retriever
from assistant.scope import Scope
from bench.common import (
    demand,
    forget_settings,
    model_folder,
    print_machine,
    spread,
    stopwatch,
)
from bench.corpus import (
    COLLECTIONS,
    DIMENSION,
    DOCUMENT,
    HOUR,
    KINDS,
    SEED,
    Corpus,
    Question,
)
from bench.plot import Line, plot
from ingest.index.dates import written
from ingest.index.documents import document_id
from ingest.index.index import Index
from ingest.index.settings import IndexSettings
from ingest.index.store import Store, Where
from ingest.queue import Done, Queue

K = 5
CALLERS = 8
FLUSHED = 5
"""Documents between two flushes."""

PEER_QUERIES = 20
WHOLE_MS = {2_000: 12, 100_000: 16, 250_000: 25}
"""Most milliseconds of a whole search, at the median, by number of chunks."""

Inside = tuple[list[float], list[float], list[float]]


@dataclass
class Figures:
    """Seconds of every query; searches a second of one caller and of eight."""

    store: list[float] = field(default_factory=list)
    filtered: list[float] = field(default_factory=list)
    chosen: list[float] = field(default_factory=list)
    kind: list[float] = field(default_factory=list)
    dated: list[float] = field(default_factory=list)
    within: list[float] = field(default_factory=list)
    weighed: list[float] = field(default_factory=list)
    fields: list[float] = field(default_factory=list)
    embedding: list[float] = field(default_factory=list)
    texts: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    added: list[float] = field(default_factory=list)
    peer: list[float] = field(default_factory=list)
    langchain: list[float] = field(default_factory=list)
    one_caller: float = 0.0
    callers: float = 0.0
    errors: list[Exception] = field(default_factory=list)


def main() -> None:
    """Measure every size, print, compare, draw."""
    arguments = _arguments()
    forget_settings()
    print_machine(
        *("qdrant-edge-py", "qdrant-client", "torch", "sentence-transformers", "sqlalchemy"),
        *("langchain-core", "langchain-huggingface", "langchain-qdrant"),
    )
    measured: dict[int, Figures] = {}
    for count in arguments.chunks:
        figures = measured[count] = Figures()
        questions, others = _measure(count, arguments.queries, figures)
        gc.collect()
        if count <= arguments.peer_chunks:
            _ask_local_mode(count, questions[:PEER_QUERIES], figures)
        if arguments.langchain:
            _ask_langchain(count, questions[:PEER_QUERIES], figures)
        _show(count, figures, others)
        if arguments.plot is not None:
            _draw(arguments.plot, measured)


def _measure(count: int, queries: int, figures: Figures) -> tuple[list[Question], float]:
    """Fill in Footnote's figures; return the questions, and what others took of the machine."""
    corpus = Corpus(SEED)
    with tempfile.TemporaryDirectory(prefix="footnote-bench-") as folder:
        settings = IndexSettings(data_dir=Path(folder))
        with closing(Index(settings)) as index:
            index.own("bench")
            with stopwatch() as writing:
                _write(index, corpus, count)
            print(f"\n{count:,} chunks, made up and written in {writing.seconds:.1f} s")
        # In the process that wrote them, ranges of dates take longer until its next start.
        with closing(Index(settings)) as index:
            index.own("bench")
            index.embedder.load()
            earlier, questions = corpus.questions(queries), corpus.questions(queries)
            with stopwatch() as asking:
                half = count // DOCUMENT // 2 * HOUR
                _ask(index, half, earlier, questions, figures)
                _ask_together(index, questions, figures)
    return questions, asking.others


def _write(index: Index, corpus: Corpus, count: int) -> None:
    """Write documents to the store, and enter them into the catalogue as `ready`."""
    queue = Queue(index.database, "bench")
    for number, document in enumerate(corpus.documents(count)):
        index.store.upsert(document.entries)
        if number % FLUSHED == 0:
            index.store.flush()
        index.catalogue.add(document.collection, document.name, document.sha256, document.size)
        [record] = queue.claim(1, lease=60.0)
        chunks = len(document.entries)
        size, kind = document.size, document.entries[0].kind
        done = Done(record, kind, "en", chunks, chunks, pages=None, characters=size)
        queue.finish([done])
        queue.release([record.id])
    index.store.flush()


def _ask(
    index: Index,
    half: int,
    earlier: Sequence[Question],
    questions: Sequence[Question],
    figures: Figures,
) -> None:
    retriever = Retriever(index)
    everywhere = Where()
    # What a start leaves on the disk has been read by then.
    for question in earlier:
        _query(index.store, question, everywhere)
        retriever.search(question.text, K)
    for number, question in enumerate(questions):
        collection = COLLECTIONS[number % len(COLLECTIONS)]
        within = Where(collection=collection)
        figures.store.append(_timed(_query, index.store, question, everywhere))
        figures.filtered.append(_timed(_query, index.store, question, within))
        names = range(number % len(COLLECTIONS), 50, len(COLLECTIONS))
        ids = [document_id(collection, f"document-{name}.txt") for name in names]
        chosen = Where(document_ids=tuple(ids))
        figures.chosen.append(_timed(_query, index.store, question, chosen))
        kind = Where(kinds=(KINDS[number % len(KINDS)],))
        figures.kind.append(_timed(_query, index.store, question, kind))
        figures.dated.append(_timed(_query, index.store, question, Where(since=half)))
        fields = Where(collection=collection, kinds=tuple(KINDS), since=half)
        figures.fields.append(_timed(_query, index.store, question, fields))
        with _timed_inside(index) as (embedding, asking, fetching):
            whole = _timed(retriever.search, question.text, K)
        figures.embedding.append(sum(embedding))
        figures.texts.append(sum(fetching))
        figures.whole.append(whole)
        figures.added.append(whole - sum(embedding) - sum(asking) - sum(fetching))
        scope = Scope(collection, kinds=KINDS, since=written(half))
        figures.within.append(_timed(retriever.search, question.text, K, scope))
        figures.weighed.append(_timed(retriever.find, question.text, K))


def _ask_together(index: Index, questions: Sequence[Question], figures: Figures) -> None:
    """Measure searches a second of one caller, of eight at once, and of one again."""
    alone = _searches_a_second(index, questions, 1, figures.errors)
    figures.callers = _searches_a_second(index, questions, CALLERS, figures.errors)
    again = _searches_a_second(index, questions, 1, figures.errors)
    figures.one_caller = (alone + again) / 2


def _searches_a_second(
    index: Index, questions: Sequence[Question], callers: int, errors: list[Exception]
) -> float:
    retriever = Retriever(index)

    def ask(first: int) -> None:
        for question in questions[first::callers]:
            try:
                found = retriever.search(question.text, K)
                assert found
            except Exception as error:  # noqa: BLE001  any error is what is counted
                errors.append(error)

    threads = [threading.Thread(target=ask, args=(first,)) for first in range(callers)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(questions) / (time.perf_counter() - started)


def _ask_local_mode(count: int, questions: Sequence[Question], figures: Figures) -> None:
    """Let qdrant-client's local mode answer; it is slow, so a few questions do."""
    from qdrant_client import QdrantClient

    from ingest.index.server_store import ServerStore

    with closing(ServerStore(QdrantClient(":memory:"), "bench", DIMENSION)) as store:
        with stopwatch() as writing:
            for document in Corpus(SEED).documents(count):
                store.upsert(document.entries)
        print(f"  qdrant-client's local mode: written in {writing.seconds:.1f} s")
        for question in questions:
            figures.peer.append(_timed(_query, store, question, Where()))


def _ask_langchain(count: int, questions: Sequence[Question], figures: Figures) -> None:
    """Let stock LangChain search the same vectors; they are written past its own embedding."""
    try:
        from langchain_huggingface import HuggingFaceEmbeddings
        from langchain_qdrant import QdrantVectorStore
        from qdrant_client import QdrantClient, models
    except ImportError as error:
        raise SystemExit(f"{error}; see bench/README.md, or use --no-langchain") from error

    client = QdrantClient(":memory:")
    params = models.VectorParams(size=DIMENSION, distance=models.Distance.COSINE)
    client.create_collection("bench", vectors_config=params)
    for document in Corpus(SEED).documents(count):
        entries = document.entries
        batch = models.Batch(
            ids=[entry.chunk.id for entry in entries],
            vectors=[entry.vector.tolist() for entry in entries],
            payloads=[
                {"page_content": entry.chunk.text, "metadata": {"source": document.name}}
                for entry in entries
            ],
        )
        client.upsert("bench", batch)
    embeddings: Any = HuggingFaceEmbeddings(model_name=model_folder())
    store = QdrantVectorStore(client, "bench", embeddings)
    store.similarity_search(questions[0].text, k=K)
    for question in questions:
        figures.langchain.append(_timed(store.similarity_search, question.text, K))
    client.close()


def _query(store: Store, question: Question, where: Where) -> None:
    found = store.search(question.vector, question.keywords, CANDIDATES, where)
    assert len(found.dense) == CANDIDATES, len(found.dense)


def _timed(action: Callable[..., object], *arguments: object) -> float:
    started = time.perf_counter()
    action(*arguments)
    return time.perf_counter() - started


@contextmanager
def _timed_inside(index: Index) -> Iterator[Inside]:
    """Yield the seconds that embedding, the store's query and fetching texts take in the block.

    By themselves both are faster than in a search, where each drives the other's data out of the
    processor's caches.
    """
    taken: Inside = ([], [], [])
    places = (
        (index.embedder, "embed_questions"),
        (index.store, "search"),
        (index.store, "fetch"),
    )
    with ExitStack() as stack:
        for (part, name), seconds in zip(places, taken, strict=True):
            action = getattr(part, name)

            def timed(
                *arguments: Any,
                action: Callable[..., Any] = action,
                seconds: list[float] = seconds,
            ) -> Any:
                started = time.perf_counter()
                found = action(*arguments)
                seconds.append(time.perf_counter() - started)
                return found

            stack.enter_context(patch.object(part, name, timed))
        yield taken


def _show(count: int, figures: Figures, others: float) -> None:
    print(f"  milliseconds{'':35}median       p95   (others took {others:.0%})")
    rows = (
        ("store, hybrid query", figures.store),
        ("store, hybrid query in one of five collections", figures.filtered),
        ("store, hybrid query in ten documents", figures.chosen),
        ("store, hybrid query in one of four kinds", figures.kind),
        ("store, hybrid query in the later half by date", figures.dated),
        ("store, in a collection, kinds and that half", figures.fields),
        ("embedding the question", figures.embedding),
        ("fetching texts of hits and neighbours", figures.texts),
        ("the whole search", figures.whole),
        ("the whole search, in that collection and half", figures.within),
        ("  what it adds to embedding and store", figures.added),
        ("the whole search, and whether it answers", figures.weighed),
        (f"stock LangChain ({PEER_QUERIES} queries)", figures.langchain),
        (f"qdrant-client's local mode ({PEER_QUERIES} queries)", figures.peer),
    )
    for words, seconds in rows:
        if seconds:
            print(f"  {words:46}{spread(seconds)}")
    if figures.peer:
        print(f"  local mode / store: {median(figures.peer) / median(figures.store):.0f}")
    if figures.langchain:
        ratio = median(figures.langchain) / median(figures.whole)
        print(f"  stock LangChain / the whole search: {ratio:.1f}")
    print(
        f"  searches a second: {figures.one_caller:.0f} of one caller, "
        f"{figures.callers:.0f} of {CALLERS} at once, {len(figures.errors)} errors"
    )
    _demand(count, figures)


def _demand(count: int, figures: Figures) -> None:
    whole = median(figures.whole) * 1000
    if count in WHOLE_MS:
        most = WHOLE_MS[count]
        demand(f"a whole search {whole:.1f} ms, at most {most}", whole <= most)
    store = median(figures.store)
    slowest = max(median(figures.filtered), median(figures.chosen))
    # Timings of the same call differ by a tenth from run to run.
    words = f"filtered {slowest * 1000:.2f} ms, not above {store * 1000:.2f} unfiltered"
    demand(words, slowest <= store * 1.1)
    within = median(figures.within) * 1000
    words = f"a whole search filtered {within:.1f} ms, not above {whole:.1f} unfiltered"
    demand(words, within <= whole * 1.1)
    words = f"{CALLERS} callers {figures.callers / figures.one_caller:.2f} times one caller"
    demand(
        f"{words}, at least 1, without errors",
        figures.callers >= figures.one_caller and not figures.errors,
    )
    if count == 100_000:
        milliseconds = store * 1000
        demand(f"hybrid query {milliseconds:.1f} ms, at most 8", milliseconds <= 8)
        # What a search does beside embedding the question fits into what the query may take.
        rest = whole - median(figures.embedding) * 1000
        demand(f"a whole search, less embedding, {rest:.1f} ms, at most 8", rest <= 8)


def _draw(path: Path, measured: dict[int, Figures]) -> None:
    """Draw medians against the number of chunks, both on logarithmic axes."""
    names = {
        "local mode": "peer",
        "LangChain": "langchain",
        "whole search": "whole",
        "question": "embedding",
        "store": "store",
        "store, filtered": "filtered",
    }
    lines = []
    for label, name in names.items():
        points = [
            (float(count), median(getattr(figures, name)) * 1000)
            for count, figures in measured.items()
            if getattr(figures, name)
        ]
        if points:
            lines.append(Line(label, points, [f"{y:.3g}" for _, y in points]))
    plot(
        path,
        lines,
        x="passages in the index",
        y="milliseconds (median)",
        title="Time of a search against the size of the index",
        logarithmic=True,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    sizes = [2_000, 20_000, 100_000, 250_000]
    parser.add_argument("--chunks", type=int, nargs="+", default=sizes)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--peer-chunks", type=int, default=20_000)
    parser.add_argument("--no-langchain", dest="langchain", action="store_false")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg")
    return parser.parse_args()


if __name__ == "__main__":
    main()
