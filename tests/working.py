"""A worker on a test's index."""

from collections.abc import Callable
from pathlib import Path

from ingest.index.index import Index
from ingest.pipeline import Pipeline
from ingest.settings import IngestSettings
from ingest.worker import Worker

EXAMPLES = Path(__file__).parents[1] / "examples"


def make_worker(
    index: Index,
    chunk_tokens: int = 200,
    on_progress: Callable[[str, str, float], None] | None = None,
    **limits: int,
) -> Worker:
    """Return a worker whose settings are the defaults but for those given here."""
    settings = IngestSettings(
        data_dir=index.settings.data_dir, chunk_tokens=chunk_tokens, _env_file=None, **limits
    )
    pipeline = Pipeline(index, settings)
    _made.append(pipeline)
    return Worker(index, pipeline, on_progress)


def take_in_examples(index: Index) -> None:
    """Index the example documents as a person's are."""
    for path in sorted((EXAMPLES / "documents").iterdir()):
        with path.open("rb") as file:
            index.add_file(file, path.name, "examples")
    make_worker(index).drain()
    end_readers()


def end_readers() -> None:
    """End the processes in which the workers made here read files."""
    while _made:
        _made.pop().rest()


_made: list[Pipeline] = []
