"""What the page asks about conversations: the list, one turn, its sources, a file of it."""

import asyncio
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from assistant import export
from assistant.conversations import Conversation, Turn
from assistant.events import Answer, Citation
from assistant.services import Services
from assistant.shapes import answer_shape
from assistant.ui.chats import Chats
from assistant.ui.person import asking
from assistant.ui.places import place
from ingest.index.documents import Passage
from ingest.index.errors import InputError

Person = Annotated[str, Depends(asking)]


class Title(BaseModel):
    """A new title."""

    title: str


class Rating(BaseModel):
    """What a person thinks of an answer; an empty rating takes it back."""

    rating: Literal["up", "down", ""]
    remark: str = Field(default="", max_length=2000)


def conversation_routes(services: Services, chats: Chats) -> APIRouter:
    """Return the routes under `/ui/conversations`. Each person sees their own alone."""
    routes = APIRouter(prefix="/ui/conversations")
    kept = services.conversations

    def found(person: str, conversation_id: str) -> Conversation:
        conversation = chats.find(person, conversation_id)
        if conversation is None:
            raise InputError("This conversation is not there any more.", "Start a new chat.")
        return conversation

    def answered(person: str, conversation_id: str, number: int) -> tuple[Turn, Answer]:
        turns = found(person, conversation_id).turns
        answer = turns[number].answer if 0 <= number < len(turns) else None
        if answer is None:
            raise InputError("There is no answer here.", "Reload the page.")
        return turns[number], answer

    @routes.get("")
    def summaries(person: Person) -> dict[str, Any]:
        listed = kept.summaries(person)
        return {
            "conversations": [
                {"id": one.id, "title": one.title, "updated": one.updated} for one in listed
            ]
        }

    @routes.patch("/{conversation_id}")
    def rename(conversation_id: str, title: Title, person: Person) -> None:
        kept.rename(person, conversation_id, title.title)

    @routes.delete("/{conversation_id}")
    def delete(conversation_id: str, person: Person) -> None:
        kept.delete(person, conversation_id)

    @routes.post("/{conversation_id}/restore")
    def restore(conversation_id: str, person: Person) -> None:
        kept.restore(person, conversation_id)

    @routes.get("/{conversation_id}/export")
    def exported(
        conversation_id: str, person: Person, form: Literal["markdown", "json"] = "markdown"
    ) -> Response:
        conversation = found(person, conversation_id)
        as_json = form == "json"
        text = export.as_json(conversation) if as_json else export.as_markdown(conversation)
        name = f"{conversation.title or 'conversation'}.{'json' if as_json else 'md'}"
        return Response(
            text,
            media_type="application/json" if as_json else "text/markdown; charset=utf-8",
            headers={"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"},
        )

    @routes.get("/{conversation_id}/turns/{number}")
    def turn(conversation_id: str, number: int, person: Person) -> dict[str, Any]:
        asked, answer = answered(person, conversation_id, number)
        return {
            "answer": answer_shape(answer),
            "copy": export.answer_with_sources(answer),
            "rating": asked.rating,
            "remark": asked.remark,
        }

    @routes.put("/{conversation_id}/turns/{number}/rating")
    def rate(conversation_id: str, number: int, rating: Rating, person: Person) -> None:
        conversation = found(person, conversation_id)
        answered(person, conversation_id, number)
        turn = conversation.turns[number]
        turn.rating, turn.remark = rating.rating, rating.remark
        kept.keep(conversation, number)

    @routes.get("/{conversation_id}/turns/{number}/citations/{order}")
    async def citation(
        conversation_id: str, number: int, order: int, person: Person
    ) -> dict[str, Any]:
        def looked_up() -> dict[str, Any]:
            _, answer = answered(person, conversation_id, number)
            if not 0 <= order < len(answer.citations):
                raise InputError("There is no such source.", "Reload the page.")
            chosen = answer.citations[order]
            passage = next(one for one in answer.passages if one.number == chosen.number)
            return source(services, chosen, passage)

        return await asyncio.to_thread(looked_up)

    @routes.get("/{conversation_id}/turns/{number}/passages/{rank}")
    async def passage(
        conversation_id: str, number: int, rank: int, person: Person
    ) -> dict[str, Any]:
        def looked_up() -> dict[str, Any]:
            _, answer = answered(person, conversation_id, number)
            chosen = next((one for one in answer.passages if one.number == rank), None)
            if chosen is None:
                raise InputError("There is no such passage.", "Reload the page.")
            return source(services, None, chosen)

        return await asyncio.to_thread(looked_up)

    return routes


def source(services: Services, citation: Citation | None, passage: Passage) -> dict[str, Any]:
    """Return a source as it is opened: in its place, where the document still says so.

    Args:
        citation: what is highlighted; None highlights the passage as a whole.
    """
    start, end = (citation.start, citation.end) if citation else (passage.start, passage.end)
    quoted = citation.quote if citation else passage.text
    document = services.index.document(passage.document_id)
    versions = services.index.catalogue.versions([passage.document_id])
    same = document is not None and document.text[start:end] == quoted
    return {
        "number": passage.number,
        "document": passage.document,
        "document_id": passage.document_id,
        "page": citation.page if citation else passage.page,
        "heading": list(citation.heading if citation else passage.heading),
        "there": document is not None,
        "version": versions[passage.document_id][0][:16] if document is not None else None,
        "place": place(document, passage.start, passage.end, start, end)
        if document is not None and same
        else None,
        "quote": quoted,
    }
