"""The page: documents on the left, the chat in the middle, sources on the right."""

import time
from collections.abc import AsyncGenerator, Sequence
from importlib.resources import files
from typing import Any

import gradio as gr

from assistant.api import DEFAULT_COLLECTION, UPDATE_SECONDS, add_endpoints, add_uploads, explain
from assistant.events import Answer, Event, Reading, Searching, Writing
from assistant.services import Services
from assistant.ui import render
from assistant.ui.conversation import Conversation, Turn
from ingest.index.errors import FootnoteError

EVERYTHING = "All documents"

_REFRESH_SECONDS = 1.0
_PRIVATE: Any = {"api_visibility": "private", "show_progress": "hidden"}
"""For the page's own events: they are no interface for programs."""

APPEARANCE: dict[str, Any] = {
    "theme": gr.themes.Base(
        primary_hue=gr.themes.colors.blue,
        neutral_hue=gr.themes.colors.stone,
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    ),
    "css": files("assistant.ui").joinpath("style.css").read_text("utf-8"),
    "js": files("assistant.ui").joinpath("page.js").read_text("utf-8"),
}
"""How the page looks and what it does in the browser, for `mount_gradio_app`."""

_SOURCES_JS = """
window.addEventListener('footnote:cite', (event) => trigger('select', {cite: event.detail}));
"""

_DOCUMENTS_JS = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-remove]');
  if (button && confirm(`Remove ${button.dataset.name} from your documents?`)) {
    trigger('click', {remove: button.dataset.remove});
  }
});
"""

_WELCOME = """### Ask your documents
Every answer comes from them, sentence by sentence, with its source beside it."""


def build_page(services: Services) -> gr.Blocks:
    """Return the page with the named endpoints on it, ready to be mounted."""
    handlers = Handlers(services)
    page: gr.Blocks
    with gr.Blocks(
        title="Footnote",
        analytics_enabled=False,
        fill_width=True,
        fill_height=True,
        delete_cache=(3600, 3600),
    ) as page:
        conversation = gr.State(Conversation())
        drawn = gr.State(("", ()))
        with gr.Row(elem_id="layout"):
            with gr.Column(elem_id="left", min_width=0):
                gr.HTML('<h1>Footnote</h1><p class="note">Answer from</p>')
                collection = gr.Dropdown(
                    [EVERYTHING],
                    value=EVERYTHING,
                    label="Answer from",
                    show_label=False,
                    container=False,
                    elem_id="collection",
                )
                documents = gr.HTML(elem_id="documents", js_on_load=_DOCUMENTS_JS)
                upload = gr.File(
                    file_count="multiple", label="Add documents", elem_id="upload", height=130
                )
            with gr.Column(elem_id="middle", min_width=0):
                chat = gr.Chatbot(
                    elem_id="chat",
                    show_label=False,
                    container=False,
                    layout="panel",
                    height="100%",
                    buttons=[],
                    placeholder=_WELCOME,
                    latex_delimiters=[],
                    feedback_options=None,
                )
                with gr.Row(elem_id="asking"):
                    box = gr.Textbox(
                        show_label=False,
                        label="Question",
                        placeholder="Ask your documents…",
                        elem_id="question",
                        container=False,
                        lines=1,
                        max_lines=8,
                        autofocus=True,
                    )
                    send = gr.Button("Ask", variant="primary", elem_id="send", min_width=0)
                    stop = gr.Button("Stop", visible=False, elem_id="stop", min_width=0)
            with gr.Column(elem_id="right", min_width=0):
                sources = gr.HTML(
                    render.sources(Conversation(), 0), elem_id="sources", js_on_load=_SOURCES_JS
                )

        answering = [conversation, chat, box, sources, send, stop]
        asked = gr.on(
            [send.click, box.submit],
            handlers.answer,
            [box, conversation, collection],
            answering,
            concurrency_limit=None,
            **_PRIVATE,
        )
        stop.click(
            handlers.stopped, conversation, answering, cancels=[asked], queue=False, **_PRIVATE
        )
        sources.select(handlers.opened, conversation, sources, queue=False, **_PRIVATE)
        shown = [documents, collection, drawn]
        upload.upload(handlers.uploaded, [upload, collection], upload, **_PRIVATE)
        documents.click(handlers.removed, drawn, shown, **_PRIVATE)
        ticking = gr.Timer(_REFRESH_SECONDS)
        gr.on([ticking.tick, page.load], handlers.refreshed, drawn, shown, **_PRIVATE)
        add_endpoints(services)
    # Waiting for a model holds a place for long; each tab may have one answer under way.
    page.queue(default_concurrency_limit=32)
    page.max_threads = 100
    return page


Drawn = tuple[str, tuple[str, ...]]
"""The list of documents and the collections as a tab shows them."""


class Handlers:
    """What the page's events do."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._index = services.index

    async def answer(
        self, question: str, conversation: Conversation, collection: str
    ) -> AsyncGenerator[tuple[Any, ...], None]:
        """Stream the answer to a question into the chat."""
        turn = Turn(question)
        stream = self._services.answerer.stream(
            question,
            collection=None if collection == EVERYTHING else collection,
            history=conversation.history(),
        )
        shown = 0.0
        try:
            async for event in stream:
                if isinstance(event, Searching):
                    conversation.turns.append(turn)
                self._follow(turn, event)
                if isinstance(event, Writing) and time.monotonic() - shown < UPDATE_SECONDS:
                    continue
                shown = time.monotonic()
                yield self._drawn(conversation)
        except FootnoteError as error:
            if turn in conversation.turns:
                turn.failure = str(error)
            else:
                gr.Warning(str(error), title="Nothing was asked")
            yield self._drawn(conversation)
        finally:
            await stream.aclose()

    def stopped(self, conversation: Conversation) -> tuple[Any, ...]:
        """Leave the answer as far as it came; the stream has been closed."""
        if conversation.turns and conversation.turns[-1].answer is None:
            conversation.turns[-1].stopped = True
        return self._drawn(conversation)

    def opened(self, conversation: Conversation, event: gr.EventData) -> str:
        """Open the citation whose number was clicked, `#cite-<turn>-<citation>`."""
        _, turn_number, order = str(event.cite).split("-")
        answer = conversation.turns[int(turn_number)].answer
        if answer is None:
            return render.sources(conversation, int(turn_number))
        citation = answer.citations[int(order)]
        passage = next(one for one in answer.passages if one.number == citation.number)
        document = self._index.document(citation.document_id)
        return render.opened_source(citation, passage, document) + render.sources(
            conversation, int(turn_number), int(order)
        )

    def uploaded(self, paths: Sequence[str] | None, collection: str) -> None:
        """Take the files of a drop in; the list shows how they are doing."""
        into = DEFAULT_COLLECTION if collection == EVERYTHING else collection
        try:
            add_uploads(self._services, paths or [], into)
        except FootnoteError as error:
            raise explain(error) from error

    def removed(self, drawn: Drawn, event: gr.EventData) -> tuple[Any, Any, Any]:
        """Remove the document whose button was pressed."""
        if document_id := getattr(event, "remove", None):
            self._index.catalogue.remove(str(document_id))
        return self.refreshed(drawn)

    def refreshed(self, drawn: Drawn) -> tuple[Any, Any, Any]:
        """Draw documents and collections anew where they have changed."""
        catalogue = self._index.catalogue
        now = (render.documents(catalogue.documents()), tuple(catalogue.collections()))
        if now == tuple(drawn):
            return gr.skip(), gr.skip(), gr.skip()
        return now[0], gr.update(choices=[EVERYTHING, *now[1]]), now

    def _follow(self, turn: Turn, event: Event) -> None:
        if isinstance(event, Searching):
            opened = self._index.opened and self._index.embedder.loaded
            waiting = "" if opened else "Loading the embedding model, then searching"
            turn.stage = f"{waiting or 'Searching'} {event.passages:,} passages…"
        elif isinstance(event, Reading):
            turn.stage = f"Reading {len(event.passages)} passages…"
        elif isinstance(event, Writing):
            turn.text = event.text
        elif isinstance(event, Answer):
            turn.answer = event

    def _drawn(self, conversation: Conversation) -> tuple[Any, ...]:
        """Return what the page shows of a conversation.

        Whether an answer is under way is read from the conversation itself: an update that
        was on its way when Stop was pressed may arrive after the one that Stop makes.
        """
        last = len(conversation.turns) - 1
        busy = last >= 0 and not conversation.turns[last].over
        finished = last >= 0 and conversation.turns[last].answer is not None
        return (
            conversation,
            render.messages(conversation),
            gr.update(value="") if busy else gr.skip(),
            render.sources(conversation, last) if finished else gr.skip(),
            gr.update(visible=not busy),
            gr.update(visible=busy),
        )
