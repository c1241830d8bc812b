"""How much Footnote adds to a model's own time, and how many it answers at once.

    python bench/answer.py [--real] [--rounds 15] [--conversations 50]

The page runs in a process of its own on the example documents and is asked what
examples/README.md suggests, through its endpoint `/ask`, as a program asks it. The model is the
test suite's scripted server, which writes 50 tokens a second; with --real it is SmolLM2-135M,
through llama.cpp (`make test-llm` installs it). It measures

- the first words: from the call to the first update that has some, less the search, against
  a bare call of Ollama's own client with the same messages and options. The two take turns,
  and another prompt goes between them, so that none finds the other's in the model's memory;
- tokens a second, from the first to the last, of both;
- many conversations at once, four times over (scripted only): the median first words, how many
  were lost or cut, and what the page's process holds in memory after each time.
"""

import argparse
import asyncio
import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import ollama
import psutil

# The checkout and its tests are on the path from here on, and not before.
sys.path[:0] = [str(Path(__file__).resolve().parents[1] / part) for part in ("", "tests")]

from fake_ollama import FakeOllama  # noqa: E402  (the test suite's folder comes first)
from ollama_wire import OllamaServer  # noqa: E402

from bench.common import ROOT, demand, print_machine, spread  # noqa: E402
from bench.serving import serving  # noqa: E402

TOKENS_A_SECOND = 50
ANSWER = (
    "Anyone who is alone on the site calls the Old Signal House every two hours, on VHF channel "
    "12 [1]. If a call is 20 minutes late, the duty person telephones [1]. If it is 40 minutes "
    "late, the duty person calls the coastguard [1]. The assembly point in a fire is the gate on "
    "the landward side [1]. Every accident and every near miss goes into the red book in the "
    "Store before the end of the day [1]. A lost set of keys is reported within one hour [1]. "
    "Office work may be done from home on up to two days a week [1]."
)
WORDS = re.findall(r"\S+\s*", ANSWER)
"""What the scripted model writes: a word is a token."""

QUESTIONS = re.findall(
    r"^\| (\S.+?\?) \|", (ROOT / "examples" / "README.md").read_text(encoding="utf-8"), re.MULTILINE
)
"""Those that the examples suggest, asked in turn."""

OTHER = [{"role": "user", "content": "Hello"}]
TIMES = 4


@dataclass(frozen=True)
class Taken:
    """One answer's times, in seconds, and what came.

    Attributes:
        first: from the call to the first words.
        rate: tokens a second, between the first and the last.
    """

    first: float
    rate: float
    answer: dict[str, Any]


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    print_machine("ollama", "langchain-ollama", "gradio")
    # The small model seldom ends by itself: it writes until its context is full.
    settings = {"FOOTNOTE_LLM_CONTEXT": "2048"} if arguments.real else {}
    with _model(arguments.real) as server, serving(server.address, **settings) as url:
        asyncio.run(_alone(server, url, arguments.rounds))
        if isinstance(server, FakeOllama):
            asyncio.run(_at_once(server, url, arguments.conversations))


async def _alone(server: OllamaServer, url: str, rounds: int) -> None:
    ours: list[Taken] = []
    bare: list[Taken] = []
    for question in islice(cycle(QUESTIONS), rounds + 1):
        await _asked_bare(server, {"messages": OTHER, "options": {"num_predict": 1}})
        async with _client(url) as http:
            ours.append(await _asked(server, http, question))
        told = server.chats[-1].body
        await _asked_bare(server, {"messages": OTHER, "options": {"num_predict": 1}})
        bare.append(await _asked_bare(server, told))
    # The first of each opens what the others find open.
    del ours[0], bare[0]
    search = [one.answer["usage"]["search_seconds"] for one in ours]
    added = [
        mine.first - mine.answer["usage"]["search_seconds"] - its.first
        for mine, its in zip(ours, bare, strict=True)
    ]
    inside = [
        mine.answer["usage"]["first_token_seconds"] - mine.answer["usage"]["search_seconds"]
        for mine in ours
    ]
    print(f"\n{'first words':34}   median      95th  ms")
    for name, seconds in (
        ("bare call", [one.first for one in bare]),
        ("Footnote", [one.first for one in ours]),
        ("  of it the search", search),
        ("  without it, inside its process", inside),
        ("added, without the search", added),
    ):
        print(f"{name:34}{spread(seconds)}")
    demand("at most 50 ms added at the median", median(added) <= 0.05)
    rates = median(one.rate for one in ours), median(one.rate for one in bare)
    print(f"\ntokens a second: Footnote {rates[0]:.1f}, bare {rates[1]:.1f}")
    tokens = [one.answer["usage"]["answer_tokens"] for one in ours]
    print(f"tokens of an answer: {min(tokens)} to {max(tokens)}")
    demand("at least 0.95 of the bare stream's", rates[0] >= 0.95 * rates[1])


async def _at_once(server: FakeOllama, url: str, conversations: int) -> None:
    process = next(
        one for one in psutil.Process().children() if "assistant" in " ".join(one.cmdline())
    )
    print(f"\n{conversations} conversations at once, at {TOKENS_A_SECOND} tokens a second each")
    print(
        f"{'':8}{'first words, ms: median':>26}{'slowest':>10}{'a second':>10}{'lost':>6}{'MiB':>8}"
    )
    memory, medians, lost = [], [], 0
    for number in range(TIMES):
        async with _client(url) as http:
            taken = await asyncio.gather(
                *(_asked(server, http, one) for one in islice(cycle(QUESTIONS), conversations)),
                return_exceptions=True,
            )
        whole = [
            one
            for one in taken
            if isinstance(one, Taken)
            and one.answer["cut"] is None
            and one.answer["answer"] == ANSWER
        ]
        first = [one.first for one in whole]
        memory.append(process.memory_info().rss / 2**20)
        medians.append(median(first))
        lost += conversations - len(whole)
        rate = median(one.rate for one in whole)
        print(
            f"time {number + 1:3}{1000 * medians[-1]:26.0f}{1000 * max(first):10.0f}{rate:10.1f}"
            f"{conversations - len(whole):6}{memory[-1]:8.0f}"
        )
    demand("the median first words within 1 s", max(medians) <= 1)
    demand("none lost or cut", lost == 0)
    grown = memory[-1] / memory[1] - 1
    demand(f"memory flat: {grown:+.1%} from the second to the last time", grown <= 0.03)


def _client(url: str) -> httpx.AsyncClient:
    """Return a client with a connection for each that asks, made before any of them does."""
    return httpx.AsyncClient(
        base_url=url, timeout=300, trust_env=False, limits=httpx.Limits(max_connections=None)
    )


async def _asked(server: OllamaServer, http: httpx.AsyncClient, question: str) -> Taken:
    """Ask the page's endpoint."""
    if isinstance(server, FakeOllama):
        server.will_write(*WORDS, delay=1 / TOKENS_A_SECOND)
    first, answer = 0.0, dict[str, Any]()
    began = time.perf_counter()
    called = await http.post("/gradio_api/call/v2/ask", json={"question": question})
    place = f"/gradio_api/call/ask/{called.json()['event_id']}"
    async with http.stream("GET", place) as lines:
        async for line in lines.aiter_lines():
            if not line.startswith("data: ") or line == "data: null":
                continue
            if not first and '"answer": "", ' not in line:
                first = time.perf_counter() - began
            last = line
    [answer] = json.loads(last[6:])
    return Taken(first, answer["usage"]["tokens_per_second"] or 0.0, answer)


async def _asked_bare(server: OllamaServer, told: dict[str, Any]) -> Taken:
    """Ask the model itself, through Ollama's client."""
    if isinstance(server, FakeOllama):
        server.will_write(*WORDS, delay=1 / TOKENS_A_SECOND)
    client = ollama.AsyncClient(server.address, trust_env=False)
    name = next(iter(server.models))
    began, first, ended, counted = time.perf_counter(), 0.0, 0.0, 0
    stream = await client.chat(name, told["messages"], options=told["options"], stream=True)
    async for part in stream:
        if part.message.content:
            ended = time.perf_counter()
            first = first or ended - began
        counted = part.eval_count or 0
    seconds = ended - began - first
    await client.close()  # type: ignore[no-untyped-call]  # the library left its type out
    return Taken(first, (counted - 1) / seconds if seconds else 0.0, {})


@contextmanager
def _model(real: bool) -> Iterator[OllamaServer]:
    if real:
        # Its libraries are installed by `make test-llm` alone.
        from smollm import SmolOllama

        with SmolOllama() as server:
            yield server
    else:
        with FakeOllama() as server:
            yield server


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--real", action="store_true", help="let SmolLM2-135M write")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--conversations", type=int, default=50)
    return parser.parse_args()


if __name__ == "__main__":
    main()
