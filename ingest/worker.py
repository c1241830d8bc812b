"""The worker: claims documents from the queue and sees each to its end."""

import logging
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from itertools import chain, islice
from uuid import uuid4

from ingest.ahead import Claimed, ReadAhead, fault
from ingest.index.documents import Chunk
from ingest.index.errors import DocumentError, EmbedderError, FootnoteError, InputError
from ingest.index.index import Index
from ingest.index.tables import Record, State
from ingest.pipeline import Job, Pipeline
from ingest.queue import Done, Queue
from ingest.rebuilding import Rebuilder
from ingest.recovery import clear_discarded, recover

LEASE = 120.0
"""Seconds until a silent worker counts as dead; a heartbeat renews it."""

MAX_ATTEMPTS = 8
"""How often a document may end the worker before it is given up."""

BATCH = 1024
"""Chunks embedded and written at a time, of one document or of many: bounds memory, and lets
texts of one length be embedded together."""

_REPORT_SECONDS = 0.3

_RETRY_SECONDS = 2.0
"""Until a document is tried again after a failure that may pass: others come first then."""

log = logging.getLogger(__name__)


class _StopError(Exception):
    """The worker is to stop."""


class Worker:
    """Works off the catalogue's queue.

    Args:
        index: opened and, where it is embedded, owned by this process.
        pipeline: how documents are written.
        on_progress: called with a document's name, stage and fraction, for displays.

    Attributes:
        written: chunks written so far, of documents that were asked for.
        waits_for: what kept the worker from working at the last try, or None.
    """

    def __init__(
        self,
        index: Index,
        pipeline: Pipeline,
        on_progress: Callable[[str, str, float], None] | None = None,
    ) -> None:
        self.written = 0
        self.waits_for: FootnoteError | None = None
        self._index = index
        name = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex}"
        self._queue = Queue(index.database, name)
        self._pipeline = pipeline
        self._rebuilder = Rebuilder(index, pipeline, name)
        self._on_progress = on_progress
        self._stop = threading.Event()
        self._reported = 0.0

    def run(
        self,
        stop: threading.Event,
        poll: float = 0.5,
        done: Callable[[], bool] = lambda: False,
    ) -> None:
        """Work until `stop` is set, or nothing is due and `done` says so; then let go of all.

        Looks every `poll` seconds while there is nothing to do, less often while store, disk
        or database are away.
        """
        self._stop = stop
        failures = 0
        recovered = worked = False
        while not stop.is_set():
            try:
                if not recovered:
                    self.recover()
                    recovered = True
                if failures:
                    self._queue.release_mine()
                worked = self.drain() or worked
                if self.waits_for is None and not done():
                    worked = self._rebuilder.advance(stop, self._queue.has_due) or worked
            except FootnoteError as error:
                self.waits_for = error
            except Exception as error:  # a border: the worker outlives whatever befalls it
                log.exception("The worker met a fault")
                self.waits_for = FootnoteError(f"{error}.", "The log has the details.")
            if self.waits_for is not None:
                failures += 1
                pause = min(60.0, poll * 2.0**failures)
                log.warning("%s Trying again in %.0f s.", self.waits_for, pause)
                stop.wait(pause)
                continue
            failures = 0
            if done():
                break
            if worked:
                self._pipeline.rest()
                worked = False
            stop.wait(poll)
        self._rebuilder.close()
        self._pipeline.rest()

    def drain(self) -> bool:
        """Work until nothing is due; False when there was nothing to do.

        Raises:
            DataFolderError: the catalogue is away. Store and disk show in `waits_for`.
        """
        self.waits_for = None
        if not self._queue.has_due():
            return False
        with self._index.in_use() as generation:
            self._pipeline.generation = generation
            return self._drain()

    def _drain(self) -> bool:
        worked = False
        ahead = ReadAhead(self._queue, self._pipeline.read, self._pipeline.interrupt, LEASE)
        try:
            with self._heartbeat():
                while not self._stop.is_set() and self.waits_for is None:
                    if not (claims := self._next(ahead)):
                        break
                    worked = True
                    self._work(claims)
                    clear_discarded(self._index, self._queue)
        finally:
            left = ahead.close()
            with suppress(FootnoteError):
                self._queue.release([record.id for record in left])
        return worked

    def recover(self) -> None:
        """Rebuild what store and files lack, and sweep away what the catalogue does not name."""
        recover(self._index, self._queue, self._pipeline)

    def _next(self, ahead: ReadAhead) -> list[Claimed]:
        """Return what there is to do: all that is read by now, up to a batch, or else the next."""
        claims: list[Claimed] = []
        chunks = 0
        while chunks < BATCH and (claimed := ahead.take(wait=not claims)) is not None:
            claims.append(claimed)
            chunks += claimed.reading.chunks if claimed.reading is not None else 0
        return claims

    def _work(self, claims: Sequence[Claimed]) -> None:
        jobs = []
        for claimed in claims:
            record = claimed.record
            if record.state == State.REMOVING:
                self._clear(record)
            elif claimed.error is not None:
                self._give_up(record, claimed.error)
            elif record.attempts >= MAX_ATTEMPTS:
                error = DocumentError(
                    f"{record.name} ended the worker {MAX_ATTEMPTS} times.",
                    "Remove it, or try a copy of it in another format.",
                )
                self._give_up(record, error)
            elif claimed.reading is not None:
                jobs.append(Job(record, claimed.reading))
        try:
            begun = self._queue.begin([job.record for job in jobs])
            for job in jobs:
                job.wanted = job.record.id in begun
            self._index_together(jobs)
        except _StopError:
            log.info("%d documents were let go", len(jobs))
        finally:
            for job in jobs:
                job.reading.discard()
            # What ended is free already; this lets go of what was stopped or is wanted otherwise.
            self._queue.release([claimed.record.id for claimed in claims])

    def _index_together(self, jobs: Sequence[Job]) -> None:
        """Write the chunks of documents in batches; one that fails leaves the others in peace."""
        try:
            indexed = self._queue.indexed([job.record.sha256 for job in jobs])
            for job in jobs:
                elsewhere = indexed.get(job.record.sha256, [])
                job.known = self._pipeline.known_texts(_known_editions(job, elsewhere))
            chunks = chain.from_iterable(job.chunks() for job in jobs)
            open_jobs = list(jobs)
            while batch := list(islice(chunks, BATCH)):
                self._pipeline.write(batch, partial(self._report, batch))
                self.written += len(batch)
                complete = [job for job in open_jobs if job.written == job.reading.chunks]
                open_jobs = [job for job in open_jobs if job not in complete]
                self._finish([job for job in complete if job.wanted])
        except FootnoteError as error:
            self._failed(jobs, error)
        except _StopError:
            raise
        except Exception:  # a border: a bug met on one document must not stop the others
            log.exception("%s could not be indexed", ", ".join(job.record.name for job in jobs))
            self._failed(jobs, fault(jobs[0].record))
        for job in jobs:
            if not job.wanted:
                self._clean_up(job)

    def _failed(self, jobs: Sequence[Job], error: FootnoteError) -> None:
        left = [job for job in jobs if job.wanted and not job.finished]
        passing = _may_pass(error)
        if len(left) > 1 and not passing:
            # One of them has it; by themselves, the others are well.
            for job in left:
                job.restart()
                self._index_together([job])
            return
        for job in left:
            if not passing and job.written and job.record.version != job.record.sha256:
                self._pipeline.generation.store.delete_version(job.record.id, job.record.sha256)
            self._give_up(job.record, error)

    def _finish(self, jobs: Sequence[Job]) -> None:
        done = []
        for job in jobs:
            try:
                children = self._pipeline.add_attachments(job)
            except InputError:
                job.wanted = False
                continue
            self._index.files.put_text(job.record.sha256, job.reading.text)
            reading = job.reading
            done.append(
                Done(
                    job.record,
                    reading.kind,
                    reading.language,
                    reading.chunks,
                    job.embedded,
                    reading.pages,
                    reading.characters,
                    # What was not read of the file is still missing in its text.
                    job.record.notice if reading.attachments is None else reading.notice,
                    children,
                )
            )
        self._pipeline.generation.store.flush()
        finished = self._queue.finish(done, self._pipeline.generation.number)
        for job in jobs:
            job.finished = job.wanted = job.record.id in finished
            if job.finished and (job.record.version is not None or job.begun_before):
                self._pipeline.drop_others(job)
                self._pipeline.generation.store.flush()

    def _clear(self, record: Record) -> None:
        try:
            self._pipeline.generation.store.delete(record.id)
            self._pipeline.generation.store.flush()
            self._queue.forget(record)
        except FootnoteError as error:
            self._give_up(record, error)

    def _clean_up(self, job: Job) -> None:
        """Remove what was written of a version that is no longer wanted."""
        record = job.record
        with suppress(FootnoteError):  # else the next start sweeps it
            now = self._queue.current(record)
            if now is not None and record.sha256 not in (now.sha256, now.version):
                self._pipeline.generation.store.delete_version(record.id, record.sha256)
                self._pipeline.generation.store.flush()

    def _give_up(self, record: Record, error: FootnoteError) -> None:
        """End work that failed; what may pass, and what has to be cleared, is tried again."""
        if not (_may_pass(error) or record.state == State.REMOVING):
            self._queue.fail(record, str(error))
            return
        self.waits_for = error
        self._queue.postpone(record, str(error), _RETRY_SECONDS)

    @contextmanager
    def _heartbeat(self) -> Iterator[None]:
        done = threading.Event()

        def beat() -> None:
            while not done.wait(LEASE / 4):
                # The database may be away for a moment; the next beat tries again.
                with suppress(FootnoteError):
                    self._queue.renew(LEASE)

        thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _report(self, batch: Sequence[tuple[Job, Chunk]], done: int) -> None:
        """Tell how far the documents of a batch are, and learn which are no longer wanted."""
        if self._stop.is_set():
            raise _StopError
        now = time.monotonic()
        if now - self._reported < _REPORT_SECONDS and done < len(batch):
            return
        self._reported = now
        jobs = {job.record.id: job for job, _ in batch}
        sizes = Counter(job.record.id for job, _ in batch)
        # Texts are embedded by length: every document of the batch is as far as the batch is.
        share = done / len(batch)
        fractions = [
            (job.record, (job.written + share * sizes[key]) / job.reading.chunks)
            for key, job in jobs.items()
        ]
        # What is complete is finished next, which looks whether it is wanted.
        open_ones = [(record, fraction) for record, fraction in fractions if fraction < 1]
        if open_ones:
            wanted = self._queue.report("embedding", open_ones)
            for record, _ in open_ones:
                jobs[record.id].wanted &= record.id in wanted
        if self._on_progress is not None:
            for record, fraction in fractions:
                self._on_progress(record.name, "embedding", fraction)


def _may_pass(error: FootnoteError) -> bool:
    """Whether a document can be tried again as it is: a model that fails is not its fault."""
    return error.retryable or isinstance(error, EmbedderError)


def _known_editions(job: Job, elsewhere: Sequence[str]) -> list[tuple[str, str]]:
    """Return where the store may have vectors for the texts of a job.

    Args:
        elsewhere: ids of the documents that show the same content.
    """
    record = job.record
    editions = [(key, record.sha256) for key in elsewhere]
    if record.version is not None:
        editions.append((record.id, record.version))
    if job.begun_before:
        editions.append((record.id, record.sha256))
    return editions
