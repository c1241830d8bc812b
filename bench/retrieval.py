"""Questions with known answers: what is found, by Footnote and by others, with one model.

    python bench/retrieval.py DATA [--peers langchain llamaindex txtai] [--plot FILE.svg]
                              [--chunk-tokens 128] [--variant NAME=VALUE[,NAME=VALUE] ...]

DATA is a folder of texts and of `questions.jsonl`, where each line is a question, the name of
the document that answers it, and the spans there that do (`references`: `start`, `end`).
All documents go through Footnote's own pipeline into one collection, or, with --apart, into
one each. For the best 1, 3, 5 and 10 passages it reports the means over all questions of

- recall: the share of the references' characters that the passages hold,
- precision: the share of the passages' characters that are references',
- IoU: the share of the characters of both that are in both (intersection over union).

Beside them are the mean number of passages and of their characters. A variant is another run,
for the best 5, with other constants of assistant/fusion.py, retrieval.py or widening.py, such as
WIDTH=0 for hits as they are.

Peers, with the same embedding model, in the same run:

- langchain: RecursiveCharacterTextSplitter(1000, 200) and its InMemoryVectorStore;
- llamaindex: VectorStoreIndex with its defaults (1,024 tokens, 200 of them shared);
- txtai: hybrid=True, over chunks of 200 tokens cut by Footnote's chunker, as txtai has none.

bench/README.md says how to install them.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

# `ingest` is the package at the root, not the file beside this one.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from assistant import fusion, retrieval, widening
from assistant.scope import Scope
from bench.common import demand, forget_settings, print_machine, stopwatch
from bench.peers import PEERS, Place
from bench.plot import Line, plot
from ingest.index.index import Index
from ingest.pipeline import Pipeline
from ingest.settings import IngestSettings
from ingest.worker import Worker

TOP = (1, 3, 5, 10)
RECALL, PRECISION = 95.0, 5.0
"""What is demanded of the best five passages, in per cent."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and the spans of the document that answer it."""

    text: str
    document: str
    references: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Score:
    """What one search found, as shares in [0, 1]."""

    recall: float
    precision: float
    iou: float


@dataclass(frozen=True, slots=True)
class Result:
    """What a system found for all questions, by the number of passages asked for."""

    scores: dict[int, list[Score]]

    def mean(self, top: int, which: Sequence[int]) -> tuple[float, float, float]:
        """Return mean recall, precision and IoU of the questions at these places, in per cent."""
        some = [self.scores[top][place] for place in which]
        return (
            100 * mean(score.recall for score in some),
            100 * mean(score.precision for score in some),
            100 * mean(score.iou for score in some),
        )


def main() -> None:
    """Measure, print, compare."""
    arguments = _arguments()
    forget_settings()
    print_machine("qdrant-edge-py", "langchain-core", "llama-index-core", "txtai")
    questions = load_questions(arguments.data)
    texts = load_texts(arguments.data, questions)
    groups = [[name] for name in texts] if arguments.apart else [list(texts)]
    results: dict[str, Result] = {}
    with tempfile.TemporaryDirectory(prefix="footnote-bench-") as folder:
        settings = IngestSettings(data_dir=Path(folder), chunk_tokens=arguments.chunk_tokens)
        with closing(Index(settings)) as index:
            ingest(index, settings, arguments.data, groups)
            search = footnote(index, groups)
            print(f"\n{'':24}top  recall  precision   IoU   passages characters")
            results["Footnote"] = measure("Footnote", search, questions)
            for variant in arguments.variant:
                with changed(variant):
                    measure(variant, search, questions, tops=[5])
            for peer in arguments.peers:
                with PEERS[peer](index.embedder, [[texts[n] for n in g] for g in groups]) as other:
                    found = _by_document(other, groups)
                    results[peer] = measure(peer, found, questions)
    if arguments.plot:
        _draw(arguments.plot, results, len(questions))
    recall, precision, _ = results["Footnote"].mean(5, range(len(questions)))
    words = f"recall of the best 5 {recall:.1f} % at a precision of {precision:.1f} %"
    demand(
        f"{words}, at least {RECALL:.0f} at {PRECISION:.0f}",
        recall >= RECALL and precision >= PRECISION,
    )


Search = Callable[[Question, int], Sequence[Place]]


def load_questions(data: Path) -> list[Question]:
    """Return the questions of a folder."""
    with (data / "questions.jsonl").open(encoding="utf-8") as lines:
        fields = [json.loads(line) for line in lines]
    return [
        Question(
            one["question"],
            one["document"],
            _merged([(span["start"], span["end"]) for span in one["references"]]),
        )
        for one in fields
    ]


def load_texts(data: Path, questions: Sequence[Question]) -> dict[str, tuple[str, str]]:
    """Return (name, text) of the documents that the questions name, by name."""
    names = sorted({question.document for question in questions})
    return {name: (name, (data / name).read_bytes().decode("utf-8")) for name in names}


def ingest(
    index: Index, settings: IngestSettings, data: Path, groups: Sequence[Sequence[str]]
) -> None:
    """Take each group of documents into a collection of its own."""
    index.own("bench")
    pipeline = Pipeline(index, settings)
    for number, names in enumerate(groups):
        for name in names:
            with (data / name).open("rb") as stream:
                index.add_file(stream, name, f"collection-{number}")
    with stopwatch() as watch:
        Worker(index, pipeline).drain()
    pipeline.rest()
    chunks = sum(record.chunks or 0 for record in index.catalogue.documents())
    print(f"{chunks:,} chunks of at most {settings.chunk_tokens} tokens, ingested in {watch}")


def footnote(index: Index, groups: Sequence[Sequence[str]]) -> Search:
    """Return Footnote's search."""
    retriever = retrieval.Retriever(index)
    collections = {name: f"collection-{n}" for n, names in enumerate(groups) for name in names}

    def search(question: Question, top: int) -> list[Place]:
        found = retriever.search(question.text, top, Scope(collections[question.document]))
        return [(passage.document, passage.start, passage.end) for passage in found]

    return search


def _by_document(
    searches: Sequence[Callable[[str, int], Sequence[Place]]], groups: Sequence[Sequence[str]]
) -> Search:
    own = {name: searches[number] for number, names in enumerate(groups) for name in names}
    return lambda question, top: own[question.document](question.text, top)


def measure(
    name: str, search: Search, questions: Sequence[Question], tops: Sequence[int] = TOP
) -> Result:
    """Ask everything, print the means per document and overall."""
    scores: dict[int, list[Score]] = {}
    places = {"overall": list(range(len(questions)))}
    for place, question in enumerate(questions):
        places.setdefault(question.document, []).append(place)
    for top in tops:
        found = [search(question, top) for question in questions]
        scores[top] = [score(*pair) for pair in zip(questions, found, strict=True)]
        for which, some in places.items():
            if len(places) == 2 and which != "overall":
                continue
            means = Result(scores).mean(top, some)
            passages = mean(len(found[place]) for place in some)
            length = mean(sum(end - start for _, start, end in found[place]) for place in some)
            label = name if which == "overall" else f"  {which}"
            print(
                f"{label:24}{top:3}{means[0]:8.1f}{means[1]:11.1f}{means[2]:6.1f}"
                f"{passages:11.1f}{length:11,.0f}",
                flush=True,
            )
    return Result(scores)


def score(question: Question, found: Sequence[Place]) -> Score:
    """Compare what was found with what answers."""
    spans = _merged([(a, b) for name, a, b in found if name == question.document])
    both = sum(
        max(0, min(end, last) - max(start, first))
        for start, end in spans
        for first, last in question.references
    )
    wanted = sum(end - start for start, end in question.references)
    # What overlaps is shown twice, and counts twice.
    shown = sum(end - start for _, start, end in found)
    return Score(both / wanted, both / max(1, shown), both / max(1, wanted + shown - both))


@contextmanager
def changed(variant: str) -> Iterator[None]:
    """Set constants, `NAME=VALUE,NAME=VALUE`, for as long as the block takes."""
    kept = []
    for setting in variant.split(","):
        name, _, value = setting.partition("=")
        module = next(m for m in (fusion, retrieval, widening) if hasattr(m, name))
        kept.append((module, name, getattr(module, name)))
        setattr(module, name, type(getattr(module, name))(float(value)))
    try:
        yield
    finally:
        for module, name, before in kept:
            setattr(module, name, before)


def _merged(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _draw(path: Path, results: dict[str, Result], questions: int) -> None:
    every = range(questions)
    lines = []
    for name, result in results.items():
        means = [result.mean(top, every) for top in TOP]
        points = [(precision, recall) for recall, precision, _ in means]
        lines.append(Line(name, points, [str(top) for top in TOP]))
    plot(path, lines, x="precision, %", y="recall, %", title="Recall and precision, best 1 to 10")
    print(f"drawn: {path}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--peers", nargs="*", choices=sorted(PEERS), default=[])
    parser.add_argument("--apart", action="store_true", help="a collection for each document")
    parser.add_argument("--chunk-tokens", type=int, default=IngestSettings().chunk_tokens)
    parser.add_argument("--variant", nargs="*", default=[], metavar="NAME=VALUE")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg")
    return parser.parse_args()


if __name__ == "__main__":
    main()
