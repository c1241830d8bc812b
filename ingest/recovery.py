"""After a start: store and files are compared with the catalogue, which is the truth.

What the catalogue names and the store lacks is indexed again from the stored text, or from the
original where that is missing too. What the catalogue does not name is swept away.
"""

import logging

from ingest.index.generation import Generation
from ingest.index.index import Index
from ingest.index.tables import Record, State
from ingest.pipeline import Pipeline
from ingest.queue import Queue

log = logging.getLogger(__name__)


def recover(index: Index, queue: Queue, pipeline: Pipeline) -> None:
    """Queue what is missing and remove what is left over; safe beside other workers.

    Raises:
        FootnoteError: catalogue, store or files cannot be used.
    """
    alone = index.embedded
    if alone:
        queue.release_all()
    pipeline.sweep(everything=alone)
    with index.in_use() as generation:
        pipeline.generation = generation
        switched = not _compare(index, queue, generation)
    if switched:
        recover(index, queue, pipeline)


def clear_discarded(index: Index, queue: Queue) -> None:
    """Remove the bytes and texts that documents let go of and no other has."""
    for content in queue.discarded():
        queue.clear_unused(content, index.files.delete)


def _compare(index: Index, queue: Queue, generation: Generation) -> bool:
    """Compare with the store of a generation; False where that one counts no longer."""
    store = generation.store
    # The store is read first: what others finish meanwhile then counts as wanted.
    found = store.editions()
    records = index.catalogue.documents()
    if not index.embedded and index.follow():
        # Another process has just switched: what was read belongs to what is gone.
        return False
    stored = index.files.sweep()
    wanted = {(record.id, sha) for record in records for sha in (record.sha256, record.version)}
    for document_id, version in found.keys() - wanted:
        queue.clear_orphan(document_id, version, store.delete_version)
    store.flush()
    for record in records:
        if record.state != State.READY:
            continue
        if record.version not in stored.texts:
            log.warning("%s: its text is missing; reading it again", record.name)
            index.catalogue.retry(record.id)
        elif found.get(_edition(record)) == record.chunks:
            continue
        elif (count := store.editions().get(_edition(record), 0)) != record.chunks:
            log.warning(
                "%s: %d of %d passages are in the store; indexing it again",
                record.name,
                count,
                record.chunks,
            )
            index.catalogue.retry(record.id, from_text=True)
    clear_discarded(index, queue)
    contents = {content for record in records for content in (record.sha256, record.version)}
    for content in stored.settled - contents:
        queue.clear_unused(content, index.files.delete)
    return True


def _edition(record: Record) -> tuple[str, str]:
    return record.id, record.version or ""
