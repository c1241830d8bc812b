"""The page as Gradio has it: the chat and the question box, and the endpoints.

What stands round the chat (conversations, sources, documents, map) is drawn in the browser
by `static/`, from the routes in `assistant.ui.routes`.
"""

from collections.abc import AsyncGenerator
from importlib.resources import files
from typing import Any

import gradio as gr
from pydantic import ValidationError

from assistant.api import add_endpoints
from assistant.conversations import Conversation
from assistant.services import Services
from assistant.ui import render
from assistant.ui.chats import Chats, Wanted
from assistant.ui.person import person_of
from ingest.index.errors import FootnoteError, InputError

_PRIVATE: Any = {"api_visibility": "private", "show_progress": "hidden"}
"""For the page's own events: they are no interface for programs."""

APPEARANCE: dict[str, Any] = {
    "theme": gr.themes.Base(
        primary_hue=gr.themes.colors.blue,
        neutral_hue=gr.themes.colors.stone,
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    ),
}
"""How Gradio's part of the page looks, for `mount_gradio_app`."""

_STATIC = "ui/static"

HEAD = (
    f'<link rel="stylesheet" href="{_STATIC}/style.css">'
    f'<script type="module" src="{_STATIC}/main.js"></script>'
) + "".join(
    # All at once: else each module is asked for when the one that imports it was read.
    f'<link rel="modulepreload" href="{_STATIC}/{module.name}">'
    for module in files("assistant.ui").joinpath("static").iterdir()
    if module.name.endswith(".js")
)
"""What goes to the top of the page's head. Gradio's own `head` is put in by its program, a
second later; with this, the page is in sight while that is still being read."""

EARLY_BOX = (
    '<div id="early"><textarea placeholder="Ask your documents…" aria-label="Question" '
    'rows="1" autofocus></textarea></div>'
)
"""What goes to the top of the page's body: a box to type in from the first paint on, until
Gradio's own has come; static/chat.js carries over what was typed."""

# Values that the browser fills in when an event is sent; see static/chat.js.
_ASK_JS = "(question, request) => window.footnote.asking(question)"
_SHOW_JS = "(request) => [window.footnote.current()]"
_LOADED_JS = "() => window.footnote.loaded()"
_DONE_JS = "() => window.footnote.drawn()"
_BRIDGE_JS = "window.addEventListener('footnote:show', () => trigger('select', {}));"


def build_page(services: Services, chats: Chats) -> gr.Blocks:
    """Return the page with the named endpoints on it, ready to be mounted."""
    handlers = Handlers(chats)
    page: gr.Blocks
    with gr.Blocks(
        title="Footnote",
        analytics_enabled=False,
        fill_width=True,
        fill_height=True,
        delete_cache=(3600, 3600),
    ) as page:
        with gr.Column(elem_id="middle", min_width=0):
            chat = gr.Chatbot(
                elem_id="chat",
                label="Conversation",
                show_label=False,
                container=False,
                layout="panel",
                height="100%",
                buttons=[],
                placeholder=" ",
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
        request = gr.Textbox(visible=False)
        bridge = gr.HTML(elem_id="bridge", js_on_load=_BRIDGE_JS)

        shown = [chat, box, send, stop]
        asked = gr.on(
            [send.click, box.submit],
            handlers.answer,
            [box, request],
            shown,
            js=_ASK_JS,
            concurrency_limit=None,
            **_PRIVATE,
        )
        asked.then(None, js=_DONE_JS, **_PRIVATE)
        stop.click(
            handlers.stopped,
            request,
            shown,
            js=_SHOW_JS,
            cancels=[asked],
            queue=False,
            **_PRIVATE,
        ).then(None, js=_DONE_JS, **_PRIVATE)
        for begun, cancelled, ended in (
            (page.load, None, _LOADED_JS),
            (bridge.select, [asked], _DONE_JS),
        ):
            begun(
                handlers.show,
                request,
                shown,
                js=_SHOW_JS,
                cancels=cancelled,
                queue=False,
                **_PRIVATE,
            ).then(None, js=ended, **_PRIVATE)
        add_endpoints(services)
    # Waiting for a model holds a place for long; each tab may have one answer under way. The
    # queue has as many places as there may be threads when it is made.
    page.max_threads = 100
    page.queue(default_concurrency_limit=32)
    return page


class Handlers:
    """What the page's events do."""

    def __init__(self, chats: Chats) -> None:
        self._chats = chats

    async def answer(
        self, question: str, request_json: str, request: gr.Request
    ) -> AsyncGenerator[tuple[Any, ...], None]:
        """Stream the answer to a question into the chat."""
        wanted = _wanted(request_json)
        stream = self._chats.ask(person_of(request.cookies), question, wanted)
        earlier: list[dict[str, str]] | None = None
        try:
            async for conversation in stream:
                last = len(conversation.turns) - 1
                if earlier is None:
                    earlier = render.messages(conversation, end=last)
                    drawn = self._drawn(conversation, earlier)
                    # What is typed from now on is the next question; it stays as it is.
                    yield drawn[0], gr.update(value="") if wanted.typed else gr.skip(), *drawn[2:]
                    continue
                yield self._drawn(conversation, earlier)
        except FootnoteError as error:
            gr.Warning(str(error), title="Nothing was asked")
            yield gr.skip(), gr.skip(), gr.update(visible=True), gr.update(visible=False)
        finally:
            await stream.aclose()

    def stopped(self, conversation_id: str, request: gr.Request) -> tuple[Any, ...]:
        """Leave the answer as far as it came; the stream has been closed."""
        self._chats.stop(person_of(request.cookies), conversation_id)
        return self.show(conversation_id, request)

    def show(self, conversation_id: str, request: gr.Request) -> tuple[Any, ...]:
        """Draw the conversation that the browser is at, an empty one where it is new."""
        conversation = self._chats.find(person_of(request.cookies), conversation_id)
        return self._drawn(conversation or Conversation(conversation_id), None)

    def _drawn(
        self, conversation: Conversation, earlier: list[dict[str, str]] | None
    ) -> tuple[Any, ...]:
        """Return what the page shows of a conversation.

        Whether an answer is under way is read from the conversation itself: an update that
        was on its way when Stop was pressed may arrive after the one that Stop makes.

        Args:
            earlier: the messages of all turns but the last, where they are drawn already.
        """
        last = len(conversation.turns) - 1
        busy = last >= 0 and not conversation.turns[last].over
        messages = render.messages(conversation, start=last if earlier else 0)
        return (
            [*(earlier or []), *messages],
            gr.skip(),
            gr.update(visible=not busy),
            gr.update(visible=busy),
        )


def _wanted(request_json: str) -> Wanted:
    try:
        return Wanted.model_validate_json(request_json)
    except ValidationError as error:
        raise InputError("The page and the program differ.", "Reload the page.") from error
