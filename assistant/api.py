"""The named endpoints, for programs: `/ask`, `/search`, `/add_documents`, `/documents`,
`/delete_document`. Call them with `gradio_client`, or over HTTP; `docs/api.md` shows both.
"""

import asyncio
import inspect
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypedDict, TypeVar

import gradio as gr
from gradio.events import api as gradio_api

from assistant.events import Answer, Reading, Rewritten, Searching, Thinking, Usage, Writing
from assistant.remote import INPUT_ERROR_TITLE
from assistant.retrieval import checked_question, default_k
from assistant.scope import Scope
from assistant.services import Services
from assistant.shapes import (
    AnswerShape,
    SearchShape,
    answer_shape,
    search_shape,
    sentence_shape,
    usage_shape,
)
from ingest.index.errors import FootnoteError, InputError
from ingest.index.shapes import DocumentShape, document_shape, passage_shape
from ingest.index.tables import Record, State

DEFAULT_COLLECTION = "default"

UPDATE_SECONDS = 0.1
"""Least time between two updates of a streamed answer: ten a second."""

UPDATES_A_SECOND = 100
"""Of all answers together. An update takes a millisecond or two of a core, so many answers at
once are updated less often each, and their models' words are still read as they come."""

_BUSY = (State.QUEUED, State.RUNNING)

P = ParamSpec("P")
T = TypeVar("T")


class DocumentsShape(TypedDict):
    """A list of documents."""

    documents: list[DocumentShape]


class DeletedShape(TypedDict):
    """The document that is gone."""

    deleted: DocumentShape


class Endpoints:
    """What each endpoint does; arguments left out take the settings' values."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._catalogue = services.index.catalogue
        self._asking = 0

    async def ask(  # noqa: PLR0917  Gradio gives all of them by their place
        self,
        question: str,
        collection: str | None = None,
        k: int | None = None,
        model: str | None = None,
        document_ids: list[str] | None = None,
        kinds: list[str] | None = None,
        since: str | None = None,
        before: str | None = None,
    ) -> AsyncGenerator[AnswerShape, None]:
        """Answer a question from the documents; the last event is the checked answer."""
        question = checked_question(question)
        growing = _empty_answer(question)
        shown = 0.0
        self._asking += 1
        scope = Scope(collection, document_ids, kinds, since, before)
        stream = self._services.answerer.stream(question, k=k, scope=scope, model=model)
        try:
            async for event in stream:
                if isinstance(event, Answer):
                    yield answer_shape(event)
                    return
                if isinstance(event, Searching):
                    continue
                _grow(growing, event)
                least = update_seconds(self._asking)
                if isinstance(event, Reading) and least > UPDATE_SECONDS:
                    continue  # among many, the passages come with the first words
                if isinstance(event, Thinking | Writing):
                    if time.monotonic() - shown < least:
                        continue
                    shown = time.monotonic()
                yield growing
        finally:
            self._asking -= 1
            await stream.aclose()

    async def search(  # noqa: PLR0917  as in `ask`
        self,
        question: str,
        k: int | None = None,
        collection: str | None = None,
        document_ids: list[str] | None = None,
        kinds: list[str] | None = None,
        since: str | None = None,
        before: str | None = None,
    ) -> SearchShape:
        """Find the passages that fit a question best."""
        question = checked_question(question)
        k = default_k(self._services.settings, k)
        scope = Scope(collection, document_ids, kinds, since, before)
        found = await self._services.answerer.retriever.find_soon(question, k, scope)
        return search_shape(question, found)

    async def documents(self, collection: str | None = None) -> DocumentsShape:
        """List the documents and their states."""
        self._catalogue.require_collection(collection)
        return _documents_shape(self._catalogue.documents(collection))

    async def delete_document(self, document_id: str) -> DeletedShape:
        """Remove a document from search, catalogue and files."""
        record = self._catalogue.get(document_id)
        if record is None:
            raise InputError(
                f"There is no document with the id {document_id}.", "See /documents for the ids."
            )
        self._catalogue.remove(record.id)
        return {"deleted": document_shape(record)}

    async def add_documents(
        self, files: Sequence[str] | None, collection: str | None, wait: bool
    ) -> DocumentsShape:
        """Add uploaded files; with `wait`, return once each is ready or failed."""
        if not files:
            raise InputError("There are no files in this call.", "Upload at least one.")
        records = await asyncio.to_thread(
            add_uploads, self._services, files, collection or DEFAULT_COLLECTION
        )
        ids = [record.id for record in records]
        while wait and any(record.state in _BUSY for record in records):
            await asyncio.sleep(0.1)
            records = sorted(
                self._catalogue.documents(ids=ids), key=lambda record: ids.index(record.id)
            )
        return _documents_shape(records)


def update_seconds(answers: int) -> float:
    """Return the least time between two updates of each of so many answers at once."""
    return max(UPDATE_SECONDS, answers / UPDATES_A_SECOND)


def add_endpoints(services: Services) -> None:
    """Add the endpoints to the `gr.Blocks` that is being built."""
    endpoints = Endpoints(services)
    ask = _explained_stream(endpoints.ask, AnswerShape)
    gradio_api(ask, api_name="ask", concurrency_limit=None)
    gradio_api(_explained(endpoints.search), api_name="search")
    gradio_api(_explained(endpoints.documents), api_name="documents")
    gradio_api(_explained(endpoints.delete_document), api_name="delete_document")
    # Files come in through a component: it takes what was uploaded, and no path of the server.
    files = gr.File(file_count="multiple", visible=False)
    collection = gr.Textbox(value=DEFAULT_COLLECTION, label="collection", visible=False)
    wait = gr.Checkbox(value=True, label="wait", visible=False)
    gr.Button(visible=False).click(
        _explained(endpoints.add_documents),
        [files, collection, wait],
        gr.JSON(visible=False),
        api_name="add_documents",
    )


def add_uploads(services: Services, paths: Sequence[str], collection: str) -> list[Record]:
    """Take uploaded files in, each by its own name; return their records, each once."""
    found: dict[str, Record] = {}
    for path in map(Path, paths):
        with path.open("rb") as stream:
            record, _ = services.index.add_file(stream, path.name, collection)
        found[record.id] = record
    return list(found.values())


def explain(error: FootnoteError) -> gr.Error:
    """Return the error as Gradio carries it to pages and clients."""
    title = INPUT_ERROR_TITLE if isinstance(error, InputError) else "Error"
    return gr.Error(str(error), title=title, print_exception=False)


def _documents_shape(records: Sequence[Record]) -> DocumentsShape:
    return {"documents": [document_shape(record) for record in records]}


def _empty_answer(question: str) -> AnswerShape:
    return {
        "question": question,
        "answer": "",
        "abstained": False,
        "evidence": 0.0,
        "mode": "model",
        "model": None,
        "notice": None,
        "cut": None,
        "sentences": [],
        "citations": [],
        "passages": [],
        "standalone_question": None,
        "reasoning": None,
        "dropped": [],
        "usage": usage_shape(Usage()),
    }


def _grow(growing: AnswerShape, event: Rewritten | Reading | Thinking | Writing) -> None:
    """Take what an event tells into an answer that is still under way."""
    if isinstance(event, Rewritten):
        growing["standalone_question"] = event.question
    elif isinstance(event, Reading):
        growing["passages"] = [passage_shape(passage) for passage in event.passages]
    elif isinstance(event, Thinking):
        growing["reasoning"], growing["model"] = event.text, event.model
    else:
        growing["answer"], growing["model"] = event.text, event.model
        growing["sentences"] = [sentence_shape(sentence) for sentence in event.sentences]


def _explained(call: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    @wraps(call)
    async def explained(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await call(*args, **kwargs)
        except FootnoteError as error:
            raise explain(error) from error

    return explained


def _explained_stream(
    call: Callable[P, AsyncGenerator[T, None]], item: type[T]
) -> Callable[P, AsyncGenerator[T, None]]:
    @wraps(call)
    async def explained(*args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[T, None]:
        stream = call(*args, **kwargs)
        try:
            async for result in stream:
                yield result
        except FootnoteError as error:
            raise explain(error) from error
        finally:
            await stream.aclose()

    # Gradio takes a stream's schema from the type of one item.
    signature = inspect.signature(call)
    explained.__signature__ = signature.replace(return_annotation=item)  # type: ignore[attr-defined]
    explained.__annotations__ = {**call.__annotations__, "return": item}
    return explained
