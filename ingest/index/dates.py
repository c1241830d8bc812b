"""Moments as the catalogue and the store keep them: whole seconds since the epoch."""

from datetime import UTC, datetime

from ingest.index.errors import InputError

EARLIEST = int(datetime(1, 1, 2, tzinfo=UTC).timestamp())
LATEST = int(datetime(9999, 12, 30, tzinfo=UTC).timestamp())
"""What calendars of this machine can say, a day from either end for the sake of time zones."""


def whole_seconds(moment: float) -> int:
    """Return a file's time as it is kept; damaged file systems have any."""
    return int(min(max(moment, EARLIEST), LATEST))


def written(moment: int) -> str:
    """Return a moment as ISO 8601, in UTC."""
    return datetime.fromtimestamp(moment, UTC).isoformat()


def moment_of(text: str) -> int:
    """Return the moment that a person writes.

    Args:
        text: a date, or a date with a time, in ISO 8601. It is this machine's local time unless
            it names another zone; a date alone is its first moment.

    Raises:
        InputError: it is none.
    """
    try:
        return whole_seconds(datetime.fromisoformat(text.strip()).timestamp())
    except (ValueError, OverflowError, OSError) as error:
        shown = text if len(text) <= 40 else f"{text[:40]}…"
        raise InputError(
            f"{shown!r} is no date.", "Write it as 2026-01-31, or 2026-01-31T14:30."
        ) from error
