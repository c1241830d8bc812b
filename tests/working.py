"""A worker on a test's index."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ingest.index.embedding import Embedder
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


@contextmanager
def index_of_examples(data_dir: Path, embedder: Embedder) -> Iterator[Index]:
    """Yield an index that holds the example documents, as a person's does."""
    with closing(Index(IngestSettings(data_dir=data_dir, _env_file=None))) as index:
        index.embedder = embedder
        index.own("tests")
        for path in sorted((EXAMPLES / "documents").iterdir()):
            with path.open("rb") as file:
                index.add_file(file, path.name, "examples")
        make_worker(index).drain()
        end_readers()
        yield index


def end_readers() -> None:
    """End the processes in which the workers made here read files."""
    while _made:
        _made.pop().rest()


_made: list[Pipeline] = []
