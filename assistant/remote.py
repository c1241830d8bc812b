"""Asking the assistant that already runs on a data folder, over its named endpoints.

One process owns an embedded index. A command that finds it owned by a running page goes
through that page, and prints the same JSON as if it had opened the index itself.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from ingest.index.errors import FootnoteError, InputError, StoreError

INPUT_ERROR_TITLE = "Please change something"
"""Title of an error on the page, and in what endpoints answer, when the request is wrong."""

_TIMEOUT = httpx.Timeout(10.0, read=600.0)


def call(url: str, endpoint: str, arguments: Mapping[str, object]) -> Iterator[dict[str, Any]]:
    """Yield what a named endpoint of the page at `url` returns, piece by piece.

    Raises:
        FootnoteError: the page answered with an error, in its own words.
        StoreError: the page does not answer.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    try:
        with httpx.Client(base_url=url, timeout=_TIMEOUT, trust_env=False) as client:
            begun = client.post(f"/gradio_api/call/v2/{endpoint}", json=given)
            begun.raise_for_status()
            event = begun.json()["event_id"]
            with client.stream("GET", f"/gradio_api/call/{endpoint}/{event}") as response:
                yield from _results(response.iter_lines())
    except (httpx.HTTPError, KeyError, ValueError) as error:
        raise StoreError(
            f"The assistant at {url} does not answer as it should ({error}).",
            "Restart it, or stop it and repeat the command.",
        ) from error


def _results(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    event = ""
    for line in lines:
        if line.startswith("event:"):
            event = line.removeprefix("event:").strip()
        elif line.startswith("data:") and event in ("generating", "complete"):
            data = json.loads(line.removeprefix("data:"))
            if isinstance(data, list) and data:
                yield data[0]
        elif line.startswith("data:") and event == "error":
            raise _told(json.loads(line.removeprefix("data:")))


def _told(data: object) -> FootnoteError:
    told = data if isinstance(data, Mapping) else {"error": data}
    words = told.get("error")
    if not isinstance(words, str):
        return StoreError("The running assistant failed.", "Its log says why.")
    # The sentence and its next step arrive as one text; it is shown as it came.
    what, _, step = words.partition(". ")
    kind = InputError if told.get("title") == INPUT_ERROR_TITLE else FootnoteError
    return kind(f"{what}.", step) if step else kind(words, "")
