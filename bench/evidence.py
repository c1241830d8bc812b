"""Does a search know whether the documents hold an answer? Fits the model and tests it.

    python bench/evidence.py DATA [--plot FILE.svg]

DATA is a folder as bench/retrieval.py takes it, with two documents or more; each goes into a
collection of its own. Every question is asked three times, through the whole search:

- answerable: its document as it is;
- near: its document without the chunks that hold a character of the answer, wherever its words
  stand (financial reports print the same page several times);
- far: another document, which has nothing to do with it.

Documents say things twice in other words, too. Where 60 % of the stems of the answer still stand
in another chunk, it may not be gone; such near questions are counted apart, and the model is not
fitted on them.

The model of assistant/evidence.py is fitted on all documents but one and tested on that one,
for each in turn; then on all, which gives the constants. Answerable questions weigh as much
as near and far ones together.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

# `ingest` is the package at the root, not the file beside this one.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from assistant import evidence
from assistant.retrieval import Retriever
from assistant.scope import Scope
from assistant.settings import ABSTAIN_BELOW
from bench.common import demand, forget_settings, print_machine
from bench.plot import Line, plot
from bench.retrieval import Question, ingest, load_questions, load_texts
from ingest.index.documents import Chunk
from ingest.index.embedding import Vectors
from ingest.index.index import Index
from ingest.index.keywords import Keywords, question_keywords
from ingest.index.store import Hit, Hits, Store, Where
from ingest.settings import IngestSettings

KINDS = ("answerable", "near", "far")
STILL_THERE = 0.6
K = 5
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sample:
    """One search: of which kind, and the three numbers that the model weighs.

    Attributes:
        kind: `answerable`, `near`, `far`, or `still there`.
        document: the one that answers the question.
    """

    kind: str
    document: str
    cosine: float
    covered: float
    agreed: float

    @property
    def weighed(self) -> tuple[float, float, float, float]:
        """What the model multiplies with its weights and its bias."""
        return self.cosine, self.covered, self.agreed, 1.0


class Without:
    """A store from which some chunks were taken out."""

    def __init__(self, store: Store, gone: set[str]) -> None:
        self._store = store
        self._gone = gone

    def search(self, vector: Vectors, keywords: Keywords, limit: int, where: Where) -> Hits:
        """Search for more, and leave out what is gone."""
        found = self._store.search(vector, keywords, limit + len(self._gone), where)

        def left(hits: Sequence[Hit]) -> list[Hit]:
            return [hit for hit in hits if hit.chunk_id not in self._gone][:limit]

        return Hits(left(found.dense), left(found.keywords))

    def fetch(self, chunk_ids: Sequence[str]) -> list[Chunk]:
        """Fetch what is not gone."""
        return self._store.fetch([one for one in chunk_ids if one not in self._gone])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def main() -> None:
    """Search, fit, test, print, compare."""
    arguments = _arguments()
    forget_settings()
    print_machine("qdrant-edge-py")
    questions = load_questions(arguments.data)
    names = list(load_texts(arguments.data, questions))
    with tempfile.TemporaryDirectory(prefix="footnote-bench-") as folder:
        settings = IngestSettings(data_dir=Path(folder))
        with closing(Index(settings)) as index:
            ingest(index, settings, arguments.data, [[name] for name in names])
            samples = _samples(index, questions, names)
    _report(samples, names)
    if arguments.plot:
        _draw(arguments.plot, samples)


def _samples(index: Index, questions: Sequence[Question], names: Sequence[str]) -> list[Sample]:
    chunks = {
        record.name: index.store.fetch(
            [one for one, _ in index.store.texts(record.id, record.version or "")]
        )
        for record in index.catalogue.documents()
    }
    stems = {
        chunk.id: set(question_keywords(chunk.text).indices)
        for some in chunks.values()
        for chunk in some
    }
    store, samples = index.store, []
    retriever = Retriever(index)
    for number, question in enumerate(questions):
        own = names.index(question.document)
        text = index.document(chunks[question.document][0].document_id)
        assert text is not None
        spans = _everywhere(text.text, question.references)
        gone = {
            chunk.id
            for chunk in chunks[question.document]
            if any(chunk.start < end and start < chunk.end for start, end in spans)
        }
        words = " ".join(text.text[start:end] for start, end in question.references)
        wanted = set(question_keywords(words).indices)
        left = [stems[one.id] for one in chunks[question.document] if one.id not in gone]
        there = max(len(wanted & one) for one in left) >= STILL_THERE * len(wanted)
        samples.append(_sample(retriever, question, "answerable", own))
        index.current._store = Without(store, gone)
        samples.append(_sample(retriever, question, "still there" if there else "near", own))
        index.current._store = store
        other = [place for place in range(len(names)) if place != own]
        samples.append(_sample(retriever, question, "far", other[number % len(other)]))
    return samples


def _everywhere(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return where the words of these spans stand in a text, the spans themselves among them."""
    found = list(spans)
    for words in {text[start:end].strip() for start, end in spans}:
        place = text.find(words)
        while place >= 0:
            found.append((place, place + len(words)))
            place = text.find(words, place + 1)
    return found


def _sample(retriever: Retriever, question: Question, kind: str, collection: int) -> Sample:
    found = retriever.find(question.text, K, Scope(f"collection-{collection}"))
    told = found.evidence
    return Sample(kind, question.document, told.cosine, told.covered, told.agreed)


def _report(samples: Sequence[Sample], names: Sequence[str]) -> None:
    counts = {kind: sum(one.kind == kind for one in samples) for kind in (*KINDS, "still there")}
    print(f"\n{counts}")
    print("\narea under the ROC curve, answerable against    far    near  near or still there")
    near = []
    for name in names:
        weights = fit([one for one in samples if one.document != name])
        near.append(_areas(f"  {name}, fitted on the others", samples, weights, name))
    weights = fit(samples)
    _areas("  all, fitted on all", samples, weights)
    shipped = _shipped()
    _areas("  all, as it is shipped", samples, shipped)
    for part, alone in zip(("cosine", "words", "agreement"), np.eye(3, 4), strict=True):
        _areas(f"  all, the {part} alone", samples, alone)
    cosine, words, agreement, bias = weights
    print(
        f"\nfitted: cosine {cosine:.1f}, words {words:.1f}, agreement {agreement:.1f}, "
        f"bias {bias:.1f}"
    )
    print("\nthreshold at which 95 % are answered, by the fit on the others: refused of far, near")
    refused = []
    for name in names:
        scores = _scores(samples, fit([one for one in samples if one.document != name]), name)
        threshold = float(np.percentile(scores["answerable"], 5))
        refused.append(np.mean(scores["far"] < threshold))
        missed = np.mean(scores["near"] < threshold)
        print(f"  {name:24}{threshold:6.2f}{refused[-1]:8.1%}{missed:8.1%}")
    scores = _scores(samples, shipped)
    shares = {kind: float(np.mean(scores[kind] >= ABSTAIN_BELOW)) for kind in scores}
    said = ", ".join(f"{kind} {share:.1%}" for kind, share in shares.items())
    print(f"\nanswered as it is shipped, from {ABSTAIN_BELOW} on: {said}\n")
    worst = float(min(refused))
    demand(f"of far questions {worst:.1%} are refused, at least 97 %", worst >= 0.97)
    for name, area in zip(names, near, strict=True):
        demand(f"near, {name}: area {area:.3f}, at least 0.80", area >= 0.80)


def fit(samples: Sequence[Sample]) -> Numbers:
    """Return the weights of what a sample weighs in a logistic model, by Newton's method."""
    used = [one for one in samples if one.kind in KINDS]
    x = np.array([one.weighed for one in used])
    y = np.array([one.kind == "answerable" for one in used], dtype=np.float64)
    importance = np.where(y == 1, 0.5 / y.mean(), 0.5 / (1 - y.mean()))
    # The ridge is one on numbers scaled to a variance of one.
    weights, ridge = np.zeros(4), np.diag([*x[:, :3].var(axis=0), 0.0])
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ weights))
        slope = x.T @ (importance * (y - p)) - ridge @ weights
        curve = (x * (importance * p * (1 - p))[:, None]).T @ x + ridge
        weights = weights + np.linalg.solve(curve, slope)
    return weights


def _shipped() -> Numbers:
    """Return the weights that the program has."""
    weights = (evidence.COSINE_WEIGHT, evidence.COVERAGE_WEIGHT, evidence.AGREEMENT_WEIGHT)
    return np.array([*weights, evidence.BIAS])


def _scores(
    samples: Sequence[Sample], weights: Numbers, document: str | None = None
) -> dict[str, Numbers]:
    def scored(kind: str) -> Numbers:
        rows = [
            one.weighed for one in samples if one.kind == kind and document in (None, one.document)
        ]
        scores: Numbers = 1 / (1 + np.exp(-np.array(rows) @ weights))
        return scores

    return {kind: scored(kind) for kind in (*KINDS, "still there")}


def _areas(
    words: str, samples: Sequence[Sample], weights: Numbers, document: str | None = None
) -> float:
    """Print the areas; return that against all near ones."""
    scores = _scores(samples, weights, document)
    own, near = scores["answerable"], scores["near"]
    areas = (
        _area(own, scores["far"]),
        _area(own, near),
        _area(own, np.append(near, scores["still there"])),
    )
    print(f"{words:48}" + "".join(f"{area:8.3f}" for area in areas))
    return areas[-1]


def _area(high: Numbers, low: Numbers) -> float:
    """Return how often a score of `high` exceeds one of `low`; ties count half."""
    difference = high[:, None] - low[None, :]
    return float(np.mean((difference > 0) + 0.5 * (difference == 0)))


def _draw(path: Path, samples: Sequence[Sample]) -> None:
    scores = _scores(samples, _shipped())
    thresholds = np.linspace(0, 1, 101)
    lines = [
        Line(kind, [(float(t), float(100 * np.mean(some >= t))) for t in thresholds])
        for kind, some in scores.items()
    ]
    lines.append(Line("threshold", [(ABSTAIN_BELOW, 0.0), (ABSTAIN_BELOW, 100.0)]))
    plot(path, lines, x="evidence demanded", y="questions answered, %", title="What is answered")
    print(f"drawn: {path}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--plot", type=Path, metavar="FILE.svg")
    return parser.parse_args()


if __name__ == "__main__":
    main()
