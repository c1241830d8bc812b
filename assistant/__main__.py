"""The `assistant` command: the page, a search, an answer, a chat model, a check-up."""

import asyncio
import json
import logging
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.scope import NOTHING_THERE, Scope
from assistant.settings import AssistantSettings
from ingest.index.errors import FootnoteError, IndexInUseError
from ingest.index.index import Index
from ingest.index.settings import read_settings

if TYPE_CHECKING:
    from assistant.events import Event

app = typer.Typer(
    help="Ask your own documents. Without a command: serve the web page.",
    pretty_exceptions_enable=False,
)

Collection = Annotated[
    str | None, typer.Option("--collection", help="Search this collection alone.")
]
Kinds = Annotated[
    list[str] | None,
    typer.Option("--kind", help="Search this kind of document alone, such as pdf; repeatable."),
]
Since = Annotated[
    str | None, typer.Option("--since", help="Search what was changed on this date or later.")
]
Before = Annotated[
    str | None, typer.Option("--before", help="Search what was changed before this date.")
]
Passages = Annotated[int | None, typer.Option("-k", help="Number of passages.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback(invoke_without_command=True)
def start(context: typer.Context) -> None:
    """Ask your own documents. Without a command: serve the web page."""
    if context.invoked_subcommand is None:
        serve()


@app.command()
def serve(
    examples: Annotated[
        Path | None,
        typer.Option(help="Files or a folder to add where the data folder is new."),
    ] = None,
) -> None:
    """Serve the web page and its endpoints."""
    from assistant.serving import serve as run

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    run(read_settings(AssistantSettings), examples)


@app.command()
def search(
    question: Annotated[str, typer.Argument(help="What to look for.")],
    *,
    k: Passages = None,
    collection: Collection = None,
    kinds: Kinds = None,
    since: Since = None,
    before: Before = None,
    as_json: AsJson = False,
) -> None:
    """Show the passages that fit a question best."""
    scope = Scope(collection, kinds=kinds, since=since, before=before)
    result = _searched(question, k, scope)
    if as_json:
        _print_json(result)
        return
    for passage in result["passages"]:
        _print(f"[{passage['number']}] {_place(passage)}  ({passage['score']:.2f})")
        _print(_indented(passage["text"]) + "\n")
    if not result["passages"]:
        empty = "There are no documents to search yet. Add some with `ingest add FOLDER`."
        _print(NOTHING_THERE if scope.narrow else empty)


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="What you want to know.")],
    *,
    k: Passages = None,
    collection: Collection = None,
    kinds: Kinds = None,
    since: Since = None,
    before: Before = None,
    model: Annotated[str | None, typer.Option("--model", help="Chat model.")] = None,
    as_json: AsJson = False,
) -> None:
    """Answer a question from the documents, with citations."""
    answer = _asked(question, k, Scope(collection, kinds=kinds, since=since, before=before), model)
    if as_json:
        _print_json(answer)
    else:
        _print_answer(answer)
    if answer["cut"] is not None:
        _print(answer["cut"], error=True)
        raise typer.Exit(1)


@app.command()
def pull(
    model: Annotated[str, typer.Argument(help="Name at ollama.com/library, such as llama3.2.")],
) -> None:
    """Let Ollama download a chat model."""
    from assistant.pulling import pull as follow

    try:
        follow(model)
    except KeyboardInterrupt as error:
        _print("Stopped. The same command goes on where it was.", error=True)
        raise typer.Exit(130) from error
    _print(f"{model} is ready.")


@app.command()
def doctor() -> None:
    """Check each part and say what to do about it."""
    from assistant.doctor import check_up

    healthy = True
    for finding in check_up(read_settings(AssistantSettings)):
        healthy = healthy and finding.good
        _print(f"{'ok ' if finding.good else '-- '} {finding.part}: {finding.words}")
    if not healthy:
        raise typer.Exit(1)


def main() -> None:
    """Run the command; errors meant for people are one sentence on standard error."""
    try:
        app()
    except FootnoteError as error:
        _print(str(error), error=True)
        sys.exit(error.exit_code)


def _searched(question: str, k: int | None, scope: Scope) -> dict[str, Any]:
    from assistant.retrieval import Retriever, checked_question, default_k
    from assistant.shapes import search_shape

    settings = read_settings(AssistantSettings)
    question, k = checked_question(question), default_k(settings, k)
    with _owned(settings) as (index, url):
        if url is not None:
            return _through(url, "search", question=question, k=k, **asdict(scope))
        found = Retriever(index, settings).find(question, k, scope)
        return dict(search_shape(question, found))


def _asked(question: str, k: int | None, scope: Scope, model: str | None) -> dict[str, Any]:
    from assistant.retrieval import checked_question, default_k
    from assistant.services import Services

    settings = read_settings(AssistantSettings)
    question, k = checked_question(question), default_k(settings, k)
    with _owned(settings) as (index, url):
        if url is not None:
            return _through(url, "ask", question=question, k=k, model=model, **asdict(scope))
        stream = Services(settings, index).answerer.stream(question, k=k, scope=scope, model=model)
        return asyncio.run(_last_shape(stream))


async def _last_shape(stream: "AsyncGenerator[Event, None]") -> dict[str, Any]:
    from assistant.events import Answer
    from assistant.shapes import answer_shape

    answers = [event async for event in stream if isinstance(event, Answer)]
    return dict(answer_shape(answers[-1]))


@contextmanager
def _owned(settings: AssistantSettings) -> Iterator[tuple[Index, str | None]]:
    """Open the index for this command, or tell the address of the page that has it open."""
    with closing(Index(settings)) as index:
        url = None
        try:
            index.own("assistant")
        except IndexInUseError:
            owner = index.ownership.current()
            if owner is None or owner.url is None:
                raise
            url = owner.url
        yield index, url


def _through(url: str, endpoint: str, **arguments: object) -> dict[str, Any]:
    from assistant.remote import call

    return list(call(url, endpoint, arguments))[-1]


def _print_answer(answer: dict[str, Any]) -> None:
    _print(answer["answer"])
    if answer["notice"]:
        _print(f"\n{answer['notice']}")
    if answer["citations"]:
        _print("\nSources")
    for citation in answer["citations"]:
        _print(f"[{citation['number']}] {_place(citation)}")
        _print(_indented(citation["quote"]))
    if answer["abstained"] and answer["passages"]:
        _print("\nClosest passages")
        for passage in answer["passages"]:
            _print(f"[{passage['number']}] {_place(passage)}")
    doubtful = [one for one in answer["sentences"] if one["support"] != "supported"]
    if doubtful:
        _print("\nNot fully found in the sources")
        for sentence in doubtful:
            _print(f"- {sentence['text']} ({sentence['support']})")


def _place(source: dict[str, Any]) -> str:
    page = f"p. {source['page']}" if source["page"] is not None else None
    return " · ".join(part for part in (source["document"], page, source["heading"]) if part)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def _print(text: str, error: bool = False) -> None:
    stream = sys.stderr if error else sys.stdout
    stream.write(text + "\n")


def _print_json(value: object) -> None:
    _print(json.dumps(value, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
