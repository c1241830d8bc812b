"""The map: every passage as a point, the last question and its passages marked on it."""

import base64
import threading
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter, Depends
from pydantic import BaseModel

from assistant.services import Services
from assistant.ui.chats import Chats
from assistant.ui.conversation_routes import source
from assistant.ui.neighbours import Neighbours
from assistant.ui.person import asking
from assistant.ui.projection import Projection, project
from ingest.index import listing
from ingest.index.documents import Passage
from ingest.index.errors import InputError


class Marked(BaseModel):
    """Which answer to mark on which map."""

    conversation: str
    turn: int
    collection: str | None = None


class Maps:
    """The map drawn last, for as long as the documents stay as they are."""

    def __init__(self, services: Services) -> None:
        self._index = services.index
        self._drawing = threading.Lock()
        self._key: tuple[str | None, str, int] | None = None
        self._map: Projection | None = None

    def of(self, collection: str | None) -> Projection:
        """Return the map of a collection, or of all documents."""
        revision = listing.overview(self._index.database).revision
        key = (collection, revision, self._index.generation_number)
        with self._drawing:
            if self._map is None or self._key != key:
                self._map, self._key = project(self._index, collection), key
            return self._map


def map_routes(services: Services, chats: Chats) -> APIRouter:
    """Return the routes under `/ui/map`."""
    routes = APIRouter(prefix="/ui/map")
    maps = Maps(services)
    index = services.index
    neighbours = Neighbours(index, services.settings.data_dir / "maps")
    services.closing.append(neighbours.close)

    # These run in threads of the server's pool: nothing here holds up the event loop.
    @routes.get("", dependencies=[Depends(asking)])
    def points(collection: str | None = None) -> dict[str, Any]:
        drawn = maps.of(collection)
        return {
            "places": _encoded(drawn.places),
            "neighbours": neighbours.offered(drawn),
            "documents": [
                {"id": part.id, "name": part.name, "first": part.first, "count": part.count}
                for part in drawn.parts
            ],
        }

    @routes.get("/neighbours", dependencies=[Depends(asking)])
    def by_neighbours(collection: str | None = None) -> dict[str, Any]:
        found = neighbours.places(maps.of(collection))
        if isinstance(found, float):
            return {"places": None, "seconds": int(found)}
        return {"places": _encoded(found), "seconds": 0}

    @routes.post("/marks")
    def marks(marked: Marked, person: Annotated[str, Depends(asking)]) -> dict[str, Any]:
        conversation = chats.find(person, marked.conversation)
        turns = conversation.turns if conversation else []
        answer = turns[marked.turn].answer if 0 <= marked.turn < len(turns) else None
        if answer is None:
            raise InputError("There is no answer here.", "Reload the page.")
        drawn = maps.of(marked.collection)
        order = {chunk_id: number for number, chunk_id in enumerate(drawn.chunk_ids)}
        vector = drawn.embedder.embed_question(answer.standalone or answer.question)
        hits = [one.chunk_id for one in answer.passages if one.chunk_id in order]
        with index.in_use() as generation:
            vectors = generation.store.vectors(hits)
        nearest = max(vectors, key=lambda one: float(vectors[one] @ vector), default=None)
        return {
            "question": drawn.place(vector),
            "hits": [order[one] for one in hits],
            "nearest": None if nearest is None else order[nearest],
        }

    @routes.get("/passage", dependencies=[Depends(asking)])
    def passage(point: int, collection: str | None = None) -> dict[str, Any]:
        drawn = maps.of(collection)
        found = index.store.fetch(drawn.chunk_ids[point : point + 1]) if point >= 0 else []
        if not found:
            raise InputError("This passage is not there any more.", "Open the map again.")
        chunk = found[0]
        name = next(part.name for part in drawn.parts if part.id == chunk.document_id)
        shown = Passage(
            number=1,
            document=name,
            document_id=chunk.document_id,
            chunk_id=chunk.id,
            text=chunk.text,
            start=chunk.start,
            end=chunk.end,
            page=chunk.page,
            heading=chunk.heading,
        )
        return source(services, None, shown)

    return routes


def _encoded(places: npt.NDArray[np.int16]) -> str:
    return base64.b64encode(places.astype("<i2").tobytes()).decode()
