"""What goes wrong with a chat model, as sentences with their next step.

Every provider's client has exceptions of its own. They are told apart by what they have in
common: an HTTP status, a cause that httpx raised, the words that the server sent.
"""

import re
from collections.abc import Iterator

import httpx

from ingest.index.errors import ModelError

_MEMORY = re.compile(
    r"out[ -]of[ -]memory|more system memory|insufficient memory|unable to allocate|"
    r"failed to allocate|cannot allocate memory",
    re.IGNORECASE,
)
_TOO_LONG = re.compile(
    r"exceeds? the available context size \((\d+)|maximum context length is (\d+)", re.IGNORECASE
)


def model_fault(
    model: str, error: Exception | None, *, words: int, timeout: float, ollama: bool
) -> ModelError:
    """Return the error that a person reads.

    Args:
        model: its name.
        error: what its client raised; None where the stream ended before its end.
        words: written before it happened; they stay, and the error says that they are cut.
        timeout: seconds without a word after which a model is given up.
        ollama: whether it is one of Ollama's.
    """
    what, step = _explained(model, error, timeout, ollama)
    if words:
        count = "1 word" if words == 1 else f"{words:,} words"
        return ModelError(f"The answer was cut after {count}: {what}.", step)
    if what.startswith("the "):
        what = f"T{what[1:]}"
    return ModelError(f"{what}.", step)


def context_full(model: str, context: int, words: int) -> ModelError:
    """Return the error for a model that had no room left for its answer."""
    what = f"{model} used up its context of {context:,} tokens"
    if words:
        what = f"The answer was cut after {words:,} words: {what}."
    else:
        what += " before it wrote an answer."
    return ModelError(what, "Raise FOOTNOTE_LLM_CONTEXT, or ask for less at once.")


def _explained(
    model: str, error: Exception | None, timeout: float, ollama: bool
) -> tuple[str, str]:
    """Return what happened, to stand in the middle of a sentence, and what to do about it."""
    causes = list(_causes(error))
    server = "Ollama" if ollama else "the model's server"
    if any(isinstance(cause, TimeoutError | httpx.TimeoutException) for cause in causes):
        return (
            f"{model} has written nothing for {timeout:g} seconds",
            "Ask again, choose a smaller model, or raise FOOTNOTE_LLM_TIMEOUT if it needs "
            "longer to load and to read.",
        )
    statuses = [getattr(cause, "status_code", None) for cause in causes]
    status = next((one for one in statuses if isinstance(one, int) and one > 0), None)
    if status is None and any(map(_unreachable, causes)):
        start = "Start it with `ollama serve`" if ollama else "Check FOOTNOTE_LLM_BASE_URL"
        return f"{server} is not running", f"{start}, then ask again."
    if status is None and (not causes or any(map(_broken, causes))):
        return f"the connection to {server} was lost", "See that it still runs, then ask again."
    if status is None and isinstance(causes[0], ValueError):
        # LangChain's complaint about a stream without a chunk.
        return f"{model} wrote nothing", "Ask again, or choose another model."
    return _told(model, server, status, _words_of(causes), ollama)


def _told(model: str, server: str, status: int | None, said: str, ollama: bool) -> tuple[str, str]:
    """Explain what a server answered in place of words, or of the rest of them."""
    reason = f" ({said})" if said else ""
    log = "Ollama's log" if ollama else "its log"
    known = {
        401: (f"{server} refused the key{reason}", "Correct FOOTNOTE_LLM_API_KEY, then ask again."),
        403: (f"{server} refused the key{reason}", "Correct FOOTNOTE_LLM_API_KEY, then ask again."),
        404: (
            f"{server} has no model called {model}",
            f"Get it with `ollama pull {model}`, then ask again."
            if ollama
            else "Correct FOOTNOTE_LLM, then ask again.",
        ),
        429: (f"{server} is busy{reason}", "Ask again in a moment."),
        503: (f"{server} is busy{reason}", "Ask again in a moment."),
    }
    if _MEMORY.search(said):
        return (
            f"{model} does not fit into the memory that is free{reason}",
            "Choose a smaller model, lower FOOTNOTE_LLM_CONTEXT, or close other programs.",
        )
    if too_long := _TOO_LONG.search(said):
        return (
            f"the question and its passages are longer than {model}'s context",
            f"Set FOOTNOTE_LLM_CONTEXT to {too_long[1] or too_long[2]} or less, then ask again.",
        )
    if status in known:
        return known[status]
    if status is not None and status < 500:
        return f"{model} cannot answer{reason}", "Choose another model."
    return f"{model} failed{reason}", f"Ask again, or choose a smaller model; {log} says why."


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(10):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def _unreachable(error: BaseException) -> bool:
    return isinstance(error, httpx.ConnectError | ConnectionRefusedError) or (
        # The `ollama` package's own word for it.
        type(error) is ConnectionError
    )


def _broken(error: BaseException) -> bool:
    return isinstance(error, httpx.TransportError | ConnectionError | EOFError)


def _words_of(causes: list[BaseException]) -> str:
    """Return the server's own words, in one line without a full stop."""
    for cause in causes:
        text = getattr(cause, "error", None) or getattr(cause, "message", None)
        body = getattr(cause, "body", None)
        if isinstance(body, dict) and isinstance(body.get("message"), str):
            text = body["message"]
        if isinstance(text, str) and text.strip():
            return text.strip().splitlines()[0][:200].rstrip(". ")
    text = str(causes[0]).strip() if causes else ""
    return text.splitlines()[0][:200].rstrip(". ") if text else ""
