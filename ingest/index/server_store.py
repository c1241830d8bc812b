"""A Qdrant server: the store for many processes and machines, through qdrant-client."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from uuid import UUID

import grpc
import httpx
import numpy as np
from qdrant_client import QdrantClient, models
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import (
    ApiException,
    ResponseHandlingException,
    UnexpectedResponse,
)

from ingest.index.documents import Chunk
from ingest.index.embedding import Vectors
from ingest.index.errors import StoreError
from ingest.index.keywords import Keywords
from ingest.index.settings import IndexSettings
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

BATCH = 256
"""Points per request: about 1 MB, far below the server's limit of 32 MB."""


_CODES = models.ScalarQuantization(
    scalar=models.ScalarQuantizationConfig(
        type=models.ScalarType.INT8, quantile=0.99, always_ram=True
    )
)
"""8-bit codes in memory. The quantile leaves out the outermost hundredth of the numbers, as
Qdrant's documentation advises, so that few far ones do not coarsen the rest."""


def connect(settings: IndexSettings) -> QdrantClient:
    """Return a client for the server that the settings name; nothing is sent yet."""
    return QdrantClient(
        url=settings.qdrant_url,
        api_key=settings.qdrant_api_key,
        prefer_grpc=settings.qdrant_grpc_port is not None,
        grpc_port=settings.qdrant_grpc_port or 6334,
        timeout=30,
        check_compatibility=False,
    )


def remove_collection(client: QdrantClient, name: str, address: str | None = None) -> None:
    """Remove a collection; nothing happens where it is gone.

    Raises:
        StoreError: the server cannot be reached, or refuses.
    """
    with _foreign_errors(_words(address), name):
        client.delete_collection(name)


class ServerStore:
    """One collection of a Qdrant server; see `Store` for the methods.

    Args:
        client: a client of a server, or of the client's own local mode (in tests).
        name: the collection, created where it is missing.
        dimension: length of the vectors.
        address: of the server, for messages.
        quantized: let the server search 8-bit codes of the vectors and rescore what it finds;
            a collection that is there is changed to it, or back.

    Raises:
        StoreError: the server cannot be reached, or its collection is of another kind.
    """

    def __init__(
        self,
        client: QdrantClient,
        name: str,
        dimension: int,
        address: str | None = None,
        quantized: bool = False,
    ) -> None:
        self._client = client
        self._rescoring = (
            models.SearchParams(
                quantization=models.QuantizationSearchParams(rescore=True, oversampling=2.0)
            )
            if quantized
            else None
        )
        self._server = _words(address)
        self._name = name
        with self._foreign_errors():
            if not client.collection_exists(name):
                self._create(dimension)
            config = client.get_collection(name).config
            if (config.quantization_config is not None) is not quantized:
                client.update_collection(
                    name, quantization_config=_CODES if quantized else models.Disabled.DISABLED
                )
        vectors = config.params.vectors
        found = vectors.get(DENSE) if isinstance(vectors, dict) else None
        if found is None or found.size != dimension:
            raise StoreError(
                f"The Qdrant collection {name} does not hold vectors of {dimension} dimensions.",
                "Choose another FOOTNOTE_QDRANT_COLLECTION, or the model that it was made with.",
            )

    def upsert(self, entries: Sequence[Entry]) -> None:
        with self._foreign_errors():
            for first in range(0, len(entries), BATCH):
                points = [_point(entry) for entry in entries[first : first + BATCH]]
                self._client.upsert(self._name, points, wait=True)

    def flush(self) -> None:
        """Nothing to do: the server has written its log before it answers a waiting call."""

    def delete(self, document_id: str, keep: Sequence[str] = ()) -> None:
        kept = models.HasIdCondition(has_id=list(keep))
        which = models.Filter(
            must=[_match("document_id", document_id)], must_not=[kept] if keep else None
        )
        self._delete(which)

    def delete_version(self, document_id: str, version: str) -> None:
        self._delete(models.Filter(must=[_match("edition", f"{document_id}:{version}")]))

    def search(self, vector: Vectors, keywords: Keywords, limit: int, where: Where) -> Hits:
        within = _filter(where)
        dense = models.QueryRequest(
            query=vector.tolist(),
            using=DENSE,
            limit=limit,
            filter=within,
            with_payload=False,
            params=self._rescoring,
        )
        sparse = models.QueryRequest(
            query=models.SparseVector(indices=keywords.indices, values=keywords.values),
            using=KEYWORDS,
            limit=limit,
            filter=within,
            with_payload=False,
        )
        requests = [dense, sparse] if keywords.indices else [dense]
        with self._foreign_errors():
            lists = self._client.query_batch_points(self._name, requests)
        hits = [
            [Hit(UUID(str(point.id)).int, point.score) for point in found.points] for found in lists
        ]
        return Hits(dense=hits[0], keywords=hits[1] if len(hits) > 1 else [])

    def fetch(self, chunk_ids: Sequence[str]) -> list[Chunk]:
        with self._foreign_errors():
            records = self._client.retrieve(self._name, list(chunk_ids), with_payload=True)
        found = {str(record.id): chunk_of(str(record.id), record.payload) for record in records}
        return [found[chunk_id] for chunk_id in chunk_ids if chunk_id in found]

    def texts(self, document_id: str, version: str) -> Iterator[tuple[str, str]]:
        only = models.PayloadSelectorInclude(include=["text"])
        for record in self._chunks(document_id, version, with_payload=only):
            yield str(record.id), (record.payload or {})["text"]

    def entries(self, document_id: str, version: str) -> Iterator[Entry]:
        for record in self._chunks(document_id, version, True, [DENSE, KEYWORDS]):
            yield _entry(record)

    def vectors_of(self, document_id: str, version: str) -> Iterator[tuple[str, Vectors]]:
        for record in self._chunks(document_id, version, False, [DENSE]):
            yield str(record.id), _vector(record)

    def vectors(self, chunk_ids: Sequence[str]) -> Mapping[str, Vectors]:
        found: dict[str, Vectors] = {}
        for first in range(0, len(chunk_ids), BATCH):
            some = list(chunk_ids[first : first + BATCH])
            with self._foreign_errors():
                records = self._client.retrieve(
                    self._name, some, with_payload=False, with_vectors=[DENSE]
                )
            found |= {str(record.id): _vector(record) for record in records}
        return found

    def count(self, where: Where) -> int:
        with self._foreign_errors():
            return self._client.count(self._name, count_filter=_filter(where), exact=True).count

    def editions(self) -> Mapping[tuple[str, str], int]:
        with self._foreign_errors():
            answer = self._client.facet(self._name, key="edition", limit=10_000_000, exact=True)
        return {split_edition(str(hit.value)): hit.count for hit in answer.hits}

    def close(self) -> None:
        self._client.close()

    def _chunks(
        self,
        document_id: str,
        version: str,
        with_payload: bool | models.PayloadSelectorInclude,
        with_vectors: bool | list[str] = False,
    ) -> Iterator[models.Record]:
        which = models.Filter(must=[_match("edition", f"{document_id}:{version}")])
        offset: Any = None
        while True:
            with self._foreign_errors():
                records, offset = self._client.scroll(
                    self._name,
                    which,
                    limit=BATCH,
                    offset=offset,
                    with_payload=with_payload,
                    with_vectors=with_vectors,
                )
            yield from records
            if offset is None:
                return

    def _delete(self, which: models.Filter) -> None:
        with self._foreign_errors():
            self._client.delete(self._name, models.FilterSelector(filter=which), wait=True)

    def _create(self, dimension: int) -> None:
        try:
            self._client.create_collection(
                self._name,
                vectors_config={
                    DENSE: models.VectorParams(size=dimension, distance=models.Distance.COSINE)
                },
                sparse_vectors_config={
                    KEYWORDS: models.SparseVectorParams(modifier=models.Modifier.IDF)
                },
            )
        except (ApiException, grpc.RpcError):
            # Two workers may start at once; the later one finds the collection made.
            if not self._client.collection_exists(self._name):
                raise
        kinds = dict.fromkeys(INDEXED_FIELDS, models.PayloadSchemaType.KEYWORD)
        kinds |= dict.fromkeys(NUMBER_FIELDS, models.PayloadSchemaType.INTEGER)
        for field, kind in kinds.items():
            self._client.create_payload_index(self._name, field, kind, wait=True)

    def _foreign_errors(self) -> AbstractContextManager[None]:
        return _foreign_errors(self._server, self._name)


@contextmanager
def _foreign_errors(server: str, name: str) -> Iterator[None]:
    try:
        yield
    # A collection that is not there is a ValueError in the client's local mode.
    except (
        *(ApiException, QdrantException, grpc.RpcError, httpx.HTTPError, OSError),
        ValueError,
    ) as error:
        if _is_missing(error):
            raise StoreError(
                f"{server} has no collection {name} any more.",
                "Start again: its passages are indexed anew from the stored documents.",
            ) from error
        if isinstance(error, ValueError):
            raise
        if _unreachable(error):
            raise StoreError(
                f"{server} cannot be reached.",
                "Start it, or correct FOOTNOTE_QDRANT_URL; work goes on by itself then.",
            ) from error
        raise StoreError(
            f"{server} refused a call ({_reason(error)}).",
            "Its log says why; check that its version fits the client's.",
            retryable=False,
        ) from error


def _words(address: str | None) -> str:
    return f"The Qdrant server at {address}" if address else "The Qdrant server"


def _is_missing(error: Exception) -> bool:
    """Whether a call failed because its collection is not there."""
    if isinstance(error, UnexpectedResponse):
        return bool(error.status_code == 404)
    code: Callable[[], object] | None = getattr(error, "code", None)
    if isinstance(error, grpc.RpcError) and callable(code):
        return code() is grpc.StatusCode.NOT_FOUND
    return isinstance(error, ValueError) and "not found" in str(error)


def _unreachable(error: Exception) -> bool:
    code: Callable[[], object] | None = getattr(error, "code", None)
    if isinstance(error, grpc.RpcError) and callable(code):
        return code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
    return isinstance(error, ResponseHandlingException | httpx.TransportError | OSError)


def _reason(error: Exception) -> str:
    details: Callable[[], str] | None = getattr(error, "details", None)
    words = details() if callable(details) else str(error)
    return words.strip().split("\n")[0][:200]


def _point(entry: Entry) -> models.PointStruct:
    sparse = models.SparseVector(indices=entry.keywords.indices, values=entry.keywords.values)
    return models.PointStruct(
        id=entry.chunk.id,
        vector={DENSE: entry.vector.tolist(), KEYWORDS: sparse},
        payload=payload(entry),
    )


def _match(field: str, value: str) -> models.FieldCondition:
    return models.FieldCondition(key=field, match=models.MatchValue(value=value))


def _filter(where: Where) -> models.Filter | None:
    must: list[models.Condition] = []
    if where.collection is not None:
        must.append(_match("collection", where.collection))
    if where.document_ids is not None:
        anyone = models.MatchAny(any=list(where.document_ids))
        must.append(models.FieldCondition(key="document_id", match=anyone))
    if where.kinds is not None:
        kinds = models.MatchAny(any=list(where.kinds))
        must.append(models.FieldCondition(key="kind", match=kinds))
    if where.since is not None or where.before is not None:
        span = models.Range(gte=where.since, lt=where.before)
        must.append(models.FieldCondition(key="modified", range=span))
    return models.Filter(must=must) if must else None


def _vector(record: models.Record) -> Vectors:
    vectors = record.vector
    assert isinstance(vectors, dict)
    return np.asarray(vectors[DENSE], dtype=np.float32)


def _entry(record: models.Record) -> Entry:
    fields, vectors = record.payload or {}, record.vector
    assert isinstance(vectors, dict)
    sparse: Any = vectors.get(KEYWORDS)
    keywords = Keywords(sparse.indices, sparse.values) if sparse else Keywords([], [])
    return entry_of(str(record.id), fields, _vector(record), keywords)
