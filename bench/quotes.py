"""Answers made of quotes: how much of what answers a question they hold, and of nothing else.

    python bench/quotes.py DATA [--limit 472] [--misses 10]

DATA is a folder of texts and of `questions.jsonl`, where each line is a question, the name of
the document that answers it, and the spans there that do (`references`: `start`, `end`). The
documents go through Footnote's own pipeline into one collection; each question is searched for
and quoted as the page does it without a chat model. IoU (intersection over union) is the share
of the characters of quotes and references together that are in both; a question that gets no
quotes counts 0. Beside it stands what the single best sentence reaches, by cosine and the share
of the question's words alone, and the time from passages to quotes.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from assistant.candidates import Candidate
from assistant.quoting import best_quotes
from assistant.retrieval import Retriever
from bench.common import demand, forget_settings, print_machine, spread
from ingest.index.index import Index
from ingest.pipeline import Pipeline
from ingest.settings import IngestSettings
from ingest.worker import Worker

Span = tuple[str, int, int]
"""Document, start and end."""

DEMANDED = 0.45


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and the spans that answer it."""

    text: str
    references: Sequence[Span]


def main() -> None:
    """Quote for every question, print means by document."""
    arguments = _arguments()
    forget_settings()
    print_machine("torch", "sentence-transformers")
    questions = _questions(arguments.data)[: arguments.limit]
    shares: dict[str, list[float]] = {}
    singles: list[float] = []
    counts: list[int] = []
    seconds: list[float] = []
    misses: list[tuple[float, Question, list[Candidate]]] = []
    with tempfile.TemporaryDirectory(prefix="footnote-bench-") as folder:
        settings = IngestSettings(data_dir=Path(folder))
        with closing(Index(settings)) as index:
            _ingest(index, settings, arguments.data, questions)
            retriever = Retriever(index)
            embedder = index.embedder
            for question in questions:
                found = retriever.search(question.text, 5)
                vector = embedder.embed_question(question.text)
                began = time.perf_counter()
                quotes = best_quotes(question.text, found, vector, embedder.embed_passages)
                seconds.append(time.perf_counter() - began)
                counts.append(len(quotes))
                share = overlap(map(_span, quotes), question.references)
                singles.append(overlap(map(_span, quotes[:1]), question.references))
                shares.setdefault(question.references[0][0], []).append(share)
                misses.append((share, question, quotes))
    print(f"\n{'document':24}{'questions':>10}{'IoU':>8}")
    for name, found_shares in shares.items():
        print(f"{name:24}{len(found_shares):10}{mean(found_shares):8.3f}")
    whole = mean(share for found_shares in shares.values() for share in found_shares)
    print(f"{'all':24}{len(questions):10}{whole:8.3f}")
    print(f"the first quote alone: {mean(singles):.3f}; quotes: {mean(counts):.2f} on average")
    print(f"from passages to quotes, ms: median and 95th percentile{spread(seconds)}")
    demand(f"mean IoU of at least {DEMANDED}", whole >= DEMANDED)
    demand("at most three quotes", max(counts) <= 3)
    for share, question, quotes in sorted(misses, key=lambda miss: miss[0])[: arguments.misses]:
        print(f"\n{share:.2f}  {question.text}")
        for quote in quotes:
            print(f"      “{' '.join(quote.text.split())}”")


def overlap(quotes: Iterable[Span], references: Iterable[Span]) -> float:
    """Return the intersection of two sets of spans over their union, in characters."""
    ours = {(name, at) for name, start, end in quotes for at in range(start, end)}
    theirs = {(name, at) for name, start, end in references for at in range(start, end)}
    return len(ours & theirs) / len(ours | theirs)


def _span(quote: Candidate) -> Span:
    first = quote.passage.start
    return quote.passage.document, first + quote.start, first + quote.end


def _questions(data: Path) -> list[Question]:
    lines = (data / "questions.jsonl").read_text("utf-8").splitlines()
    found = []
    for record in map(json.loads, lines):
        spans = [(record["document"], one["start"], one["end"]) for one in record["references"]]
        found.append(Question(record["question"], spans))
    return found


def _ingest(
    index: Index, settings: IngestSettings, data: Path, questions: Sequence[Question]
) -> None:
    index.own("bench")
    for name in sorted({span[0] for question in questions for span in question.references}):
        with (data / name).open("rb") as file:
            index.add_file(file, name, "default")
    pipeline = Pipeline(index, settings)
    Worker(index, pipeline).drain()
    pipeline.rest()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--limit", type=int, help="take the first questions only")
    parser.add_argument("--misses", type=int, default=0, help="print so many of the worst")
    return parser.parse_args()


if __name__ == "__main__":
    main()
