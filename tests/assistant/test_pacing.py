"""How often answers are read when many are being written."""

from contextlib import ExitStack

import pytest

from assistant.pacing import AT_HAND, FEW, READS_A_SECOND, Pace


@pytest.mark.parametrize("answers", [1, FEW, FEW + 1, 50, 500])
def test_each_piece_is_taken_as_it_comes_where_few_are_read(answers: int) -> None:
    pace = Pace()
    with ExitStack() as reading:
        for _ in range(answers):
            reading.enter_context(pace.reading())
        expected = 0 if answers <= FEW else answers / READS_A_SECOND
        assert pace.pause(waited=1.0) == pytest.approx(expected)
    assert pace.pause(waited=1.0) == 0


def test_what_came_meanwhile_is_taken_at_once() -> None:
    pace = Pace()
    with ExitStack() as reading:
        for _ in range(50):
            reading.enter_context(pace.reading())
        assert pace.pause(waited=AT_HAND / 2) == 0
        assert pace.pause(waited=AT_HAND * 2) > 0


def test_an_answer_that_fails_is_no_longer_counted() -> None:
    pace = Pace()
    for _ in range(50):
        with pytest.raises(ValueError, match="gone"), pace.reading():
            raise ValueError("gone")
    assert pace.pause(waited=1.0) == 0
