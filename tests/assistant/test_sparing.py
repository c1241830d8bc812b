"""What is done once instead of for every call stays each call's own."""

import sys
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest

from assistant.sparing import spare_repetition


def spared(*blocks: gr.Textbox) -> None:
    page: Any = SimpleNamespace(blocks=dict(enumerate(blocks)))
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
