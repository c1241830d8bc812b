"""Qdrant Edge: the store inside this process.

What was measured about Edge 0.9 stands behind most lines here: nothing optimizes by
itself, so one plain segment is searched flat with 8-bit TurboQuant codes and rescored;
a full disk would end the process with SIGBUS, so free space is looked at first; every
call holds the interpreter's lock, so batches are small.
"""

import logging
import shutil
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import qdrant_edge as edge

from ingest.index.documents import Chunk
from ingest.index.embedding import Vectors
from ingest.index.errors import StoreError
from ingest.index.keywords import Keywords
from ingest.index.memory import fetch_pages, release_pages
from ingest.index.store import (
    DENSE,
    INDEXED_FIELDS,
    KEYWORDS,
    NUMBER_FIELDS,
    Entry,
    Hit,
    Hits,
    Where,
    chunk_of,
    entry_of,
    payload,
    split_edition,
)

BATCH = 64
"""Points per update: 4.4 ms under the interpreter's lock, against 37 ms for 512."""

_SCROLL = 256
"""Points read at a time."""

_LOCKED = "WouldBlock"
"""In what Edge says when another process has the folder open."""

FREE_BYTES = 256 << 20
"""Free space below which nothing is written."""

_HELD = 4_096
"""Points written until the pages of files that they are on are let go of: 15 MB."""

_FEW = 8
"""Values of a filter that are asked for one by one."""

_CLOSE_SECONDS = 30.0
"""Waited at the most for reads that are under way, before the shard is closed."""


log = logging.getLogger(__name__)


class EdgeStore:
    """A folder of one Edge shard; see `Store` for the methods.

    A damaged one is put aside and an empty one takes its place: the catalogue then tells what
    is missing, and it is indexed again from the stored documents.

    Args:
        folder: created where it is missing. One process at a time can open it.
        dimension: length of the vectors.

    Raises:
        StoreError: another process has it open, or the disk is full.
    """

    def __init__(self, folder: Path, dimension: int) -> None:
        self._folder = folder
        self._dimension = dimension
        self._shard: edge.EdgeShard | None = None
        self._held = 0
        # Held while files may be mapped, unmapped or grow.
        self._changing = threading.Lock()
        self._closing = threading.Event()
        folder.mkdir(parents=True, exist_ok=True)
        self._require_space()
        with self._foreign_errors():
            self._shard = self._opened()
            indexed = self._shard.info().payload_schema
            kinds: dict[str, Any] = dict.fromkeys(INDEXED_FIELDS, edge.PayloadSchemaType.Keyword)
            # Only spans of them are asked for: to look up single ones takes 130 bytes a point.
            ranges = edge.IntegerIndexParams(lookup=False, range=True)
            kinds |= dict.fromkeys(NUMBER_FIELDS, ranges)
            for field, kind in kinds.items():
                if field not in indexed:
                    self._shard.update(edge.UpdateOperation.create_field_index(field, kind))
        # Opening drops the files from the system's cache. Each search then waited for the disk,
        # for every vector and text of its own, until thousands of them had read most of it.
        fetch = partial(fetch_pages, folder / "segments", self._closing)
        threading.Thread(target=fetch, name="fetch-pages", daemon=True).start()

    def _opened(self) -> edge.EdgeShard:
        config = _config(self._dimension)
        if not (self._folder / "segments").exists():
            return edge.EdgeShard.create(str(self._folder), config)
        try:
            return edge.EdgeShard.load(str(self._folder), config)
        # Edge raises bare Exception, and PanicException, which is no Exception at all.
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt | SystemExit) or not _is_damage(error):
                raise
            aside = self._folder.with_name(f"{self._folder.name}.damaged-{time.time():.0f}")
            log.warning(
                "The index in %s is damaged (%s). It is kept as %s, which can be deleted, and "
                "built anew from the stored documents.",
                self._folder,
                str(error)[:200],
                aside.name,
            )
            self._folder.rename(aside)
            self._folder.mkdir()
            return edge.EdgeShard.create(str(self._folder), config)

    def upsert(self, entries: Sequence[Entry]) -> None:
        self._require_space()
        for first in range(0, len(entries), BATCH):
            points = [self._point(entry) for entry in entries[first : first + BATCH]]
            self._update(edge.UpdateOperation.upsert_points(points))
            self._held += len(points)

    def flush(self) -> None:
        self._require_space()
        with self._changing, self._foreign_errors():
            self._open_shard.flush()
            if self._held >= _HELD:
                release_pages(self._folder)
                self._held = 0

    def delete(self, document_id: str, keep: Sequence[str] = ()) -> None:
        kept: list[edge.ConditionType] = [edge.HasIdCondition(set(keep))] if keep else []
        self._delete(edge.Filter(must=[_match("document_id", document_id)], must_not=kept))

    def delete_version(self, document_id: str, version: str) -> None:
        self._delete(edge.Filter(must=[_match("edition", f"{document_id}:{version}")]))

    def search(self, vector: Vectors, keywords: Keywords, limit: int, where: Where) -> Hits:
        within = _filter(where)
        dense = edge.QueryRequest(
            limit=limit,
            query=edge.Query.Nearest(vector.tolist(), using=DENSE),
            filter=within,
            params=edge.SearchParams(
                quantization=edge.QuantizationSearchParams(rescore=True, oversampling=2.0)
            ),
        )
        sparse = edge.QueryRequest(
            limit=limit,
            query=edge.Query.Nearest(
                edge.SparseVector(keywords.indices, keywords.values), using=KEYWORDS
            ),
            filter=within,
        )
        requests = [dense, sparse] if keywords.indices else [dense]
        with self._foreign_errors():
            lists = self._open_shard.query_batch(edge.QueryBatchRequest(requests))
        hits = [[Hit(_number(point.id), point.score) for point in found] for found in lists]
        return Hits(dense=hits[0], keywords=hits[1] if len(hits) > 1 else [])

    def fetch(self, chunk_ids: Sequence[str]) -> list[Chunk]:
        with self._foreign_errors():
            records = self._open_shard.retrieve(
                list(chunk_ids), with_payload=True, with_vector=False
            )
        # Each time it is asked for, a record makes its id anew.
        named = [(str(record.id), record.payload) for record in records]
        found = {chunk_id: chunk_of(chunk_id, fields) for chunk_id, fields in named}
        return [found[chunk_id] for chunk_id in chunk_ids if chunk_id in found]

    def texts(self, document_id: str, version: str) -> Iterator[tuple[str, str]]:
        for record in self._chunks(document_id, version, with_payload=["text"]):
            yield str(record.id), (record.payload or {})["text"]

    def entries(self, document_id: str, version: str) -> Iterator[Entry]:
        for record in self._chunks(document_id, version, True, [DENSE, KEYWORDS]):
            yield _entry(record)

    def vectors_of(self, document_id: str, version: str) -> Iterator[tuple[str, Vectors]]:
        for record in self._chunks(document_id, version, False, [DENSE]):
            yield str(record.id), _vector(record)

    def vectors(self, chunk_ids: Sequence[str]) -> Mapping[str, Vectors]:
        found: dict[str, Vectors] = {}
        for first in range(0, len(chunk_ids), _SCROLL):
            some: list[edge.PointId] = list(chunk_ids[first : first + _SCROLL])
            with self._foreign_errors():
                records = self._open_shard.retrieve(some, with_payload=False, with_vector=[DENSE])
            found |= {str(record.id): _vector(record) for record in records}
        return found

    def count(self, where: Where) -> int:
        request = edge.CountRequest(exact=True, filter=_filter(where))
        with self._foreign_errors():
            return self._open_shard.count(request)

    def editions(self) -> Mapping[tuple[str, str], int]:
        request = edge.FacetRequest("edition", limit=10_000_000, exact=True)
        with self._foreign_errors():
            hits = self._open_shard.facet(request).hits
        # Edge goes on listing values whose last point was deleted.
        return {split_edition(str(hit.value)): hit.count for hit in hits if hit.count}

    def close(self) -> None:
        self._closing.set()
        with self._changing:
            shard, self._shard = self._shard, None
        waited_until = time.monotonic() + _CLOSE_SECONDS
        while shard is not None:
            try:
                shard.close()
            except RuntimeError as error:
                # Edge closes nothing that another thread is reading; no new reader can come.
                if "borrowed" not in str(error) or time.monotonic() > waited_until:
                    raise
                time.sleep(0.01)
            else:
                shard = None

    @property
    def _open_shard(self) -> edge.EdgeShard:
        if self._shard is None:
            raise StoreError("The index is closed.", "Start the command again.")
        return self._shard

    def _point(self, entry: Entry) -> edge.Point:
        # Edge accepts vectors that make the shard unusable later; they are refused here.
        vector, keywords = entry.vector, entry.keywords
        if vector.shape != (self._dimension,) or not np.isfinite(vector).all():
            raise StoreError(
                f"A vector of shape {vector.shape} does not fit an index of {self._dimension} "
                "dimensions, or is not finite.",
                "Check the embedding model.",
                retryable=False,
            )
        if len(keywords.indices) != len(keywords.values):
            raise StoreError("A keyword vector is uneven.", "Report this as a bug.")
        sparse = edge.SparseVector(keywords.indices, keywords.values)
        return edge.Point(
            entry.chunk.id, {DENSE: vector.tolist(), KEYWORDS: sparse}, payload(entry)
        )

    def _chunks(
        self,
        document_id: str,
        version: str,
        with_payload: bool | list[str],
        with_vector: bool | list[str] = False,
    ) -> Iterator[edge.Record]:
        which = edge.Filter(must=[_match("edition", f"{document_id}:{version}")])
        offset: edge.PointId | None = None
        while True:
            request = edge.ScrollRequest(
                offset, _SCROLL, which, with_payload=with_payload, with_vector=with_vector
            )
            with self._foreign_errors():
                records, offset = self._open_shard.scroll(request)
            yield from records
            if offset is None:
                return

    def _delete(self, which: edge.Filter) -> None:
        self._update(edge.UpdateOperation.delete_points_by_filter(which))

    def _update(self, operation: edge.UpdateOperation) -> None:
        with self._changing, self._foreign_errors():
            self._open_shard.update(operation)

    def _require_space(self) -> None:
        free = shutil.disk_usage(self._folder).free
        if free < FREE_BYTES:
            raise StoreError(
                f"The disk of the data folder is almost full ({free >> 20} MB left).",
                f"Free at least {FREE_BYTES >> 20} MB; what is stored is safe.",
            )

    @contextmanager
    def _foreign_errors(self) -> Iterator[None]:
        try:
            yield
        except (StoreError, KeyboardInterrupt, SystemExit):
            raise
        # Edge raises bare Exception, and PanicException, which is no Exception at all.
        except BaseException as error:
            if _LOCKED in str(error):
                raise StoreError(
                    f"The index in {self._folder} is open in another process.",
                    "Stop that process, or choose another FOOTNOTE_DATA_DIR.",
                ) from error
            raise StoreError(
                f"The index in {self._folder} failed ({str(error)[:200]}).",
                "Start again; if it stays, move that folder away and start: it is built anew.",
            ) from error


def remove_folder(folder: Path) -> None:
    """Remove the folder of an `EdgeStore` that is closed; nothing happens where it is gone.

    Raises:
        StoreError: it cannot be removed.
    """
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(
            f"The old index in {folder} cannot be removed ({error.strerror}).",
            "Correct the permissions of the data folder, or delete that folder.",
        ) from error


def _is_damage(error: BaseException) -> bool:
    """Whether loading failed by what is in the folder, and not by the state of the machine."""
    passing = (_LOCKED, "Permission denied", "No space left", "Too many open", "incompatible")
    return not any(words in str(error) for words in passing)


def _config(dimension: int) -> edge.EdgeConfig:
    # Cold storage is read as it is needed. Any other kind is read into memory as a whole at
    # every start, in blocks of 32 MB however small the index is.
    cold = edge.Memory.Cold
    codes = edge.TurboQuantQuantizationConfig(bits=edge.TurboQuantBitSize.Bits8, memory=cold)
    return edge.EdgeConfig(
        vectors={
            DENSE: edge.EdgeVectorParams(
                size=dimension,
                distance=edge.Distance.Cosine,
                quantization_config=codes,
                memory=cold,
            )
        },
        sparse_vectors={KEYWORDS: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)},
        # Never build HNSW: that takes minutes under the interpreter's lock.
        optimizers=edge.EdgeOptimizersConfig(indexing_threshold=10**9),
    )


def _match(field: str, value: str) -> edge.FieldCondition:
    return edge.FieldCondition(field, match=edge.MatchValue(value))


def _among(field: str, values: Sequence[str]) -> "edge.ConditionType":
    # For a few values that many points have, MatchAny takes twice as long.
    if not values or len(values) > _FEW:
        return edge.FieldCondition(field, match=edge.MatchAny(list(values)))
    return edge.Filter(should=[_match(field, value) for value in values])


def _filter(where: Where) -> edge.Filter | None:
    must: list[edge.ConditionType] = []
    if where.collection is not None:
        must.append(_match("collection", where.collection))
    if where.document_ids is not None:
        must.append(
            edge.FieldCondition("document_id", match=edge.MatchAny(list(where.document_ids)))
        )
    if where.kinds is not None:
        must.append(_among("kind", where.kinds))
    if where.since is not None or where.before is not None:
        span = edge.RangeFloat(gte=where.since, lt=where.before)
        must.append(edge.FieldCondition("modified", range=span))
    return edge.Filter(must=must) if must else None


def _vector(record: edge.Record) -> Vectors:
    vectors = record.vector
    assert isinstance(vectors, dict)
    return np.asarray(vectors[DENSE], dtype=np.float32)


def _entry(record: edge.Record) -> Entry:
    fields, vectors = record.payload or {}, record.vector
    assert isinstance(vectors, dict)
    # A text of nothing but stop words has no keywords, and Edge then no such vector.
    sparse: Any = vectors.get(KEYWORDS)
    keywords = Keywords(list(sparse.indices), list(sparse.values)) if sparse else Keywords([], [])
    return entry_of(str(record.id), fields, _vector(record), keywords)


def _number(point_id: "edge.PointId") -> int:
    number: int = point_id.int if isinstance(point_id, UUID) else UUID(str(point_id)).int
    return number
