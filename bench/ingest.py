"""Documents in: Footnote, bare encoding of the same chunks, stock LangChain, and txtai.

    python bench/ingest.py PATH...  [--runs 3] [--stock-runs 1] [--txtai-runs 0]

PATH are files of any format, and folders. Without any it measures on the texts of
examples/documents, repeated to 0.8 MB. In turns (A B C D A B A B), with their models loaded
and warmed up before, it times:

A  Footnote: from the files to `ready` in the catalogue, in a fresh data folder.
B  `SentenceTransformer.encode` alone, on A's chunks, in A's precision and batch size.
C  stock LangChain with its defaults: RecursiveCharacterTextSplitter(1000, 200),
   HuggingFaceEmbeddings (float32) on the same model, QdrantVectorStore in memory.
D  txtai, hybrid=True, on A's chunks and the same model.

C and D are given the texts that A read of the files, so they read none themselves. A file
that cannot be read is left out after a first run, which is not timed. C and D need more
packages (bench/README.md); --stock-runs 0 and --txtai-runs 0 do without.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

# `ingest` is the package at the root, not this file.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.common import (
    ROOT,
    demand,
    forget_settings,
    has_avx512_bf16,
    model_folder,
    print_machine,
    stopwatch,
)
from ingest.index.embedding import Embedder
from ingest.index.index import Index
from ingest.index.settings import DEFAULT_MODEL
from ingest.index.tables import State
from ingest.pipeline import Pipeline
from ingest.settings import IngestSettings
from ingest.walking import named_files
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
    txtai: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Contents:
    """What Footnote made of the files.

    Attributes:
        texts: of the documents, those that came in others included.
        chunks: their texts.
        failed: names of files that cannot be read.
    """

    texts: list[str]
    chunks: list[str]
    failed: frozenset[str]


def main() -> None:
    """Measure, print, compare."""
    arguments = _arguments()
    forget_settings()
    with tempfile.TemporaryDirectory(prefix="footnote-bench-") as folder:
        given = [str(path) for path in arguments.paths or _repeated_examples(Path(folder))]
        files = dict(named_files([Path(path) for path in given]))
        _measure(files, arguments.runs, arguments.stock_runs, arguments.txtai_runs)


def _measure(files: dict[Path, str], runs: int, stock_runs: int, txtai_runs: int) -> None:
    print_machine(
        *("torch", "sentence-transformers", "qdrant-edge-py", "semantic-text-splitter"),
        *("langchain-core", "langchain-huggingface", "langchain-qdrant", "qdrant-client", "txtai"),
    )
    precision = Embedder(DEFAULT_MODEL).fingerprint.precision
    contents, _ = _run_footnote(files)
    files = {path: name for path, name in files.items() if name not in contents.failed}
    size = sum(len(text.encode()) for text in contents.texts)
    print(f"files: {len(files)} ({len(contents.failed)} more cannot be read), {size / 1e6:.2f} MB")
    distinct = len(set(contents.chunks))
    print(f"chunks: {len(contents.chunks)}, {distinct} of them different, which A embeds once")
    print(f"precision: {precision}; batch: {BATCH}\n")
    bare = _model(precision)
    bare.encode(WARM_UP, batch_size=BATCH, show_progress_bar=False)
    stock = _stock() if stock_runs else None
    txtai = _txtai() if txtai_runs else None

    times = Timings()
    for number in range(1, max(runs, stock_runs, txtai_runs) + 1):
        if number <= runs:
            again, seconds = _run_footnote(files)
            assert again == replace(contents, failed=frozenset())
            times.footnote.append(seconds)
            times.bare.append(_run_bare(bare, contents.chunks))
        if stock is not None and number <= stock_runs:
            times.stock.append(_run_peer("C  stock LangChain", stock, contents.texts))
        if txtai is not None and number <= txtai_runs:
            times.txtai.append(_run_peer("D  txtai          ", txtai, contents.chunks))
    _compare(times, precision, size)


def _run_footnote(files: dict[Path, str]) -> tuple[Contents, float]:
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
                for path, name in files.items():
                    with path.open("rb") as stream:
                        index.add_file(stream, name, COLLECTION)
                worker.drain()
                stages.note("", "ended", 1.0)
            contents = _contents(index)
    print(f"A  Footnote         {watch}  {stages}")
    return contents, watch.seconds


def _contents(index: Index) -> Contents:
    texts, chunks, failed = [], [], set()
    for record in index.catalogue.documents():
        if record.state == State.FAILED or record.version is None:
            # What came in another file is left out by itself.
            failed |= {record.name} if record.parent is None else set()
            continue
        document = index.files.document(record.version)
        assert document is not None
        texts.append(document.text)
        chunks += sorted(text for _, text in index.store.texts(record.id, record.version))
    return Contents(texts, chunks, frozenset(failed))


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
    _use_all_cores()
    with stopwatch() as watch:
        model.encode(
            list(chunks), batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False
        )
    print(f"B  bare encoding    {watch}")
    return watch.seconds


def _run_peer(name: str, peer: Callable[[Sequence[str]], int], texts: Sequence[str]) -> float:
    _use_all_cores()
    with stopwatch() as watch:
        count = peer(texts)
    print(f"{name}  {watch}  ({count} chunks)")
    return watch.seconds


def _use_all_cores() -> None:
    """Let torch use the cores by itself again; Footnote leaves it one in each thread."""
    import torch

    torch.set_num_threads(len(os.sched_getaffinity(0)))


def _stock() -> Callable[[Sequence[str]], int]:
    """Return the stock pipeline with its model loaded; it takes texts, and counts chunks."""
    try:
        from langchain_core.documents import Document
        from langchain_huggingface import HuggingFaceEmbeddings
        from langchain_qdrant import QdrantVectorStore
        from langchain_text_splitters import RecursiveCharacterTextSplitter
    except ImportError as error:
        raise SystemExit(f"{error}; see bench/README.md, or use --stock-runs 0") from error

    embeddings: Any = HuggingFaceEmbeddings(model_name=model_folder())
    embeddings.embed_documents(WARM_UP)

    def pipeline(texts: Sequence[str]) -> int:
        splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
        chunks = splitter.split_documents([Document(text) for text in texts])
        QdrantVectorStore.from_documents(
            chunks, embeddings, location=":memory:", collection_name=COLLECTION
        )
        return len(chunks)

    return pipeline


def _txtai() -> Callable[[Sequence[str]], int]:
    """Return txtai's hybrid index with its model loaded; it takes chunks, and counts them."""
    try:
        from txtai import Embeddings
    except ImportError as error:
        raise SystemExit(f"{error}; see bench/README.md, or use --txtai-runs 0") from error

    embeddings: Any = Embeddings(path=model_folder(), hybrid=True, content=True)
    embeddings.index(WARM_UP)

    def pipeline(chunks: Sequence[str]) -> int:
        embeddings.index(chunks)
        return int(embeddings.count())

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
            f"stock / Footnote = {ratio:.2f}, at least 3 where there is AVX512-BF16",
            ratio >= 3 if native else None,
        )
    if times.txtai:
        ratio = median(times.txtai) / footnote
        print(f"median: txtai {median(times.txtai):.2f} s")
        demand(f"txtai / Footnote = {ratio:.2f}, at least 2", ratio >= 2)


def _model(precision: str) -> "SentenceTransformer":
    import torch
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(model_folder(), model_kwargs={"dtype": getattr(torch, precision)})


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
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="files and folders")
    parser.add_argument("--runs", type=int, default=3, help="runs of A and B (default 3)")
    parser.add_argument("--stock-runs", type=int, default=1, help="runs of C (default 1)")
    parser.add_argument("--txtai-runs", type=int, default=0, help="runs of D (default 0)")
    arguments = parser.parse_args()
    if arguments.runs < 1:
        parser.error("--runs takes 1 or more")
    return arguments


if __name__ == "__main__":
    main()
