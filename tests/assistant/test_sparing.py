"""What is done once instead of for every call stays each call's own."""

import sys
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import httpx
import pytest
from serving import Page, until

from assistant.sparing import spare_repetition


def spared(*blocks: gr.Textbox) -> None:
    page: Any = SimpleNamespace(blocks=dict(enumerate(blocks)), _queue=SimpleNamespace())
    spare_repetition(cast("gr.Blocks", page))


def test_each_who_asks_what_a_block_is_made_of_gets_its_own_to_change() -> None:
    box, other = gr.Textbox("as built", label="Name"), gr.Textbox("another")
    plain = box.get_config()
    spared(box, other)
    taken = box.get_config()
    assert taken == plain
    taken["value"] = "changed"
    del taken["label"]
    assert box.get_config() == plain
    assert other.get_config()["value"] == "another"


@pytest.mark.skipif(find_spec("matplotlib") is not None, reason="matplotlib is installed")
def test_a_library_that_is_not_there_is_not_looked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "matplotlib", raising=False)
    spared()
    monkeypatch.setattr(sys, "path", ["/nowhere"])
    with pytest.raises(ModuleNotFoundError):
        import matplotlib  # noqa: F401
    assert sys.modules["matplotlib"] is None


def called(page: Page, times: int) -> list[str]:
    """Call an endpoint again and again as a program does, over HTTP; return the calls' events."""
    events = []
    with httpx.Client(base_url=f"{page.url}/gradio_api/call") as http:
        for _ in range(times):
            events.append(http.post("/v2/documents", json={}).json()["event_id"])
            assert '{"documents": []}' in http.get(f"/documents/{events[-1]}").text
    return events


def test_a_call_leaves_nothing_behind_and_is_not_summed_up(page: Page) -> None:
    queue, holder = page.gradio.get_blocks()._queue, page.gradio.state_holder
    events = called(page, 5)
    # A call's answer may be there a moment before the call has ended.
    until(lambda: not holder.session_data.keys() & events)
    assert not holder.time_last_used.keys() & events
    assert len(queue.event_analytics) == 1
    assert queue.cached_event_analytics_summary == {"functions": {}}


def test_sessions_that_wait_for_nothing_are_forgotten_where_there_are_many(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = page.gradio.get_blocks()._queue
    monkeypatch.setattr("assistant.sparing.SESSIONS", 3)
    with httpx.Client(base_url=f"{page.url}/gradio_api/call") as http:
        unread = http.post("/v2/documents", json={}).json()["event_id"]
        called(page, 20)
        until(lambda: len(queue.pending_event_ids_session) <= 4)
        assert len(queue.pending_messages_per_session) <= 4
        # What was answered and not fetched yet is kept.
        assert '{"documents": []}' in http.get(f"/documents/{unread}").text


def test_a_session_notes_what_differs_from_the_page_and_nothing_else(page: Page) -> None:
    session = page.gradio.state_holder["a tab"]
    assert session.config_values == {}
    block = next(iter(page.gradio.get_blocks().blocks.values()))
    session._update_value_in_config(block._id, "changed")
    assert session.config_values[block._id]["props"]["value"] == "changed"
    assert block.get_config().get("value") != "changed"
