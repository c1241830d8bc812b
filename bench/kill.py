"""Kills the worker again and again, and counts what is lost: nothing may be.

    python bench/kill.py [--kills 100] [--files 300] [--seed 7]

Files are added, replaced and removed while `ingest worker` runs on a temporary data folder
and is ended by SIGKILL at random moments of its work. At the end one worker finishes the
queue, and store, catalogue and files are compared with what was asked for. Exits 1 when
anything differs. `make test-kill` runs a short version.
"""

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from io import BytesIO
from pathlib import Path

# `ingest` is the package at the root, not the file beside this one.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.common import ROOT, forget_settings, print_machine, stopwatch
from ingest.index.index import Index
from ingest.index.keywords import question_keywords
from ingest.index.store import Where
from ingest.index.tables import State
from ingest.settings import IngestSettings

COLLECTION = "kill"
CHUNK_TOKENS = 48
LONGEST_LIFE = 2.5
"""Most seconds of work before the end."""

WORDS = Path(__file__).read_text().split()
"""Something to write documents with: no two of them are alike, and none is noise."""

Wanted = dict[str, bytes]
"""Name to content: what the index has to hold in the end."""


def main() -> None:
    """Run the test and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    forget_settings()
    print_machine("qdrant-edge-py")
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="footnote-kill-") as folder:
        os.environ["FOOTNOTE_DATA_DIR"] = folder
        os.environ["FOOTNOTE_CHUNK_TOKENS"] = str(CHUNK_TOKENS)
        with stopwatch() as watch:
            wanted = _kill_again_and_again(Path(folder), options.kills, options.files, chance)
            _finish(Path(folder))
        print(f"{options.kills} kills in {watch.seconds:.0f} s; {len(wanted)} documents wanted")
        faults = _compare(Path(folder), wanted)
    print("nothing is lost, nothing is twice" if not faults else f"{faults} faults")
    sys.exit(1 if faults else 0)


def _kill_again_and_again(folder: Path, kills: int, files: int, chance: random.Random) -> Wanted:
    """Ask for changes while workers live and die; return what was asked for last."""
    wanted: Wanted = {}
    moments: Counter[str] = Counter()
    with closing(Index(IngestSettings(data_dir=folder))) as index:
        for number in range(files // 2):
            _put(index, wanted, f"{number}.txt", chance)
        for kill in range(kills):
            with _worker() as worker:
                # One in five dies while it starts and recovers, the others at work.
                if chance.random() > 0.2:
                    _until_at_work(index)
                asked = time.monotonic() + chance.uniform(0, LONGEST_LIFE)
                while (left := asked - time.monotonic()) > 0:
                    time.sleep(min(left, chance.uniform(0, 0.3)))
                    _change(index, wanted, files, chance)
                moments.update(record.stage for record in index.catalogue.documents())
                worker.send_signal(signal.SIGKILL)
                worker.wait()
            if kill % 10 == 9:
                totals = {state.value: n for state, n in index.catalogue.totals().items()}
                print(f"  {kill + 1} kills: {totals}", flush=True)
    del moments[""]
    print(f"  documents at work when a worker was killed, by stage: {dict(moments)}")
    return wanted


def _until_at_work(index: Index) -> None:
    while (totals := index.catalogue.totals()) and not totals.get(State.RUNNING):
        if not index.catalogue.unfinished():
            return
        time.sleep(0.02)


def _change(index: Index, wanted: Wanted, files: int, chance: random.Random) -> None:
    """Add, replace, put back or remove a few documents."""
    for _ in range(chance.randrange(1, 4)):
        name = f"{chance.randrange(files)}.txt"
        if name in wanted and chance.random() < 0.3:
            [record] = [r for r in index.catalogue.documents(COLLECTION) if r.name == name]
            index.catalogue.remove(record.id)
            del wanted[name]
        else:
            _put(index, wanted, name, chance)


def _put(index: Index, wanted: Wanted, name: str, chance: random.Random) -> None:
    old = wanted.get(name, b"")
    new = _text(name, chance)
    if old and chance.random() < 0.7:
        # As people edit: most of the document stays.
        paragraphs = old.decode().split("\n\n")
        paragraphs[chance.randrange(len(paragraphs))] = new.decode().split("\n\n")[0]
        new = "\n\n".join(paragraphs).encode()
    index.add_file(BytesIO(new), name, COLLECTION)
    wanted[name] = new


def _text(name: str, chance: random.Random) -> bytes:
    paragraphs = [
        f"{name} {chance.random()}: " + " ".join(chance.choices(WORDS, k=chance.randrange(5, 60)))
        for _ in range(chance.choice([1, 1, 2, 3, 5, 8, 40]))
    ]
    return "\n\n".join(paragraphs).encode()


def _worker() -> "subprocess.Popen[str]":
    """Start `ingest worker` and return once it looks at the queue."""
    worker = subprocess.Popen(
        [sys.executable, "-m", "ingest", "worker"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert worker.stdout is not None
    line = worker.stdout.readline()
    assert line.startswith("Working for"), line
    return worker


def _finish(folder: Path) -> None:
    """Let one worker live until nothing is left to do."""
    with (
        closing(Index(IngestSettings(data_dir=folder))) as index,
        _worker() as worker,
    ):
        while index.catalogue.unfinished():
            assert worker.poll() is None, "the last worker ended by itself"
            time.sleep(0.2)
        # It clears up behind the last document before it looks at the queue again.
        time.sleep(2)
        worker.send_signal(signal.SIGINT)
        assert worker.wait(60) == 0


def _compare(folder: Path, wanted: Wanted) -> int:
    """Print how far the index is from what was asked for; return the number of faults."""
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in wanted.items()}
    with closing(Index(IngestSettings(data_dir=folder))) as index:
        index.own("bench/kill.py")
        records = index.catalogue.documents()
        ready = {record.name: record for record in records if record.state == State.READY}
        editions = dict(index.store.editions())
        expected = {(record.id, record.sha256): record.chunks for record in ready.values()}
        checks = {
            "documents lost": sum(
                name not in ready or ready[name].version != content
                for name, content in sums.items()
            ),
            "documents that were removed": len(ready.keys() - sums.keys()),
            "documents not ready": len(records) - len(ready),
            "passages of removed or old versions": sum(
                count for edition, count in editions.items() if edition not in expected
            ),
            "documents with passages twice or missing": sum(
                editions.get(edition) != count for edition, count in expected.items()
            ),
            "passages that differ from their slice": _unequal(index, expected),
            "search results that differ from their slice": _unequal_hits(index, wanted),
            "files too many": len(_stored(folder) - _files(sums)),
            "files missing": len(_files(sums) - _stored(folder)),
            "scratch left": len(list((folder / "scratch").glob("*/"))),
        }
        passages = sum(editions.values())
    print(f"{len(ready)} documents ready, {passages} passages")
    for what, count in checks.items():
        print(f"  {count:5d} {what}")
    return sum(checks.values())


def _unequal(index: Index, editions: dict[tuple[str, str], int]) -> int:
    wrong = 0
    for document_id, version in editions:
        document = index.files.document(version)
        ids = [chunk_id for chunk_id, _ in index.store.texts(document_id, version)]
        for chunk in index.store.fetch(ids):
            wrong += document is None or document.text[chunk.start : chunk.end] != chunk.text
    return wrong


def _unequal_hits(index: Index, wanted: Wanted) -> int:
    chance, wrong = random.Random(1), 0
    for content in chance.choices([*wanted.values()], k=100):
        question = content.decode().split("\n\n")[0][:200]
        vector = index.embedder.embed_question(question)
        hits = index.store.search(vector, question_keywords(question), 10, Where())
        for chunk in index.store.fetch([hit.chunk_id for hit in hits.dense + hits.keywords]):
            document = index.files.document(chunk.version)
            wrong += document is None or document.text[chunk.start : chunk.end] != chunk.text
    return wrong


def _files(sums: dict[str, str]) -> set[str]:
    return {f"{kind}/{content}" for kind in ("originals", "texts") for content in sums.values()}


def _stored(folder: Path) -> set[str]:
    files = folder / "files"
    found = {path.relative_to(files) for path in files.rglob("*") if path.is_file()}
    # What a killed worker had not completed is swept an hour later.
    return {f"{path.parts[0]}/{path.name}" for path in found if path.parts[0] != "incoming"}


if __name__ == "__main__":
    main()
