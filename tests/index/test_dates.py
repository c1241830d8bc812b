"""Moments as people write them and as files have them."""

import time
from datetime import UTC, datetime

import pytest

from ingest.index.dates import EARLIEST, LATEST, moment_of, whole_seconds, written
from ingest.index.errors import InputError


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T14:30:00Z", datetime(2026, 1, 31, 14, 30, tzinfo=UTC)),
        ("2026-01-31T14:30+02:00", datetime(2026, 1, 31, 12, 30, tzinfo=UTC)),
        (" 1969-12-31T23:59:59+00:00 ", datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_to_the_second(text: str, moment: datetime) -> None:
    assert moment_of(text) == moment.timestamp()
    assert written(moment_of(text)) == moment.isoformat()


def test_a_date_alone_is_its_first_moment_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert moment_of("2026-01-31") == moment_of("2026-01-30T15:00Z")
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "31.01.2026", "2026-02-30", "2026", "0001-01-01", "\0", "\ud800", "9" * 5000],
)
def test_what_is_no_date_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(InputError) as caught:
        moment_of(text)
    assert "is no date" in caught.value.what
    assert len(str(caught.value)) < 150
    str(caught.value).encode()


@pytest.mark.parametrize("moment", [-1e30, -1.0, 0.5, 1e12, 1e30])
def test_whatever_time_a_file_has_can_be_kept_and_written(moment: float) -> None:
    assert EARLIEST <= whole_seconds(moment) <= LATEST
    assert written(whole_seconds(moment))
