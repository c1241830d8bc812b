"""How often the answers that models are writing are read, when there are many.

A piece of an answer is a word or less. To take each one as it comes costs a third of a
millisecond, so fifty answers of fifty words a second keep a core busy with nothing else, and
whoever asks next waits for their first word. Read a few times a second instead, each answer
hands over what has come meanwhile at once, at less than half the cost.
"""

from collections.abc import Iterator
from contextlib import contextmanager

FEW = 10
"""Answers at once up to which each piece is taken as it comes."""

READS_A_SECOND = 150
"""Of all answers together, where there are more."""

AT_HAND = 0.001
"""Seconds within which a piece comes that was there already."""


class Pace:
    """Counts the answers that are being read."""

    def __init__(self) -> None:
        self._answers = 0

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Count one more for the length of the block."""
        self._answers += 1
        try:
            yield
        finally:
            self._answers -= 1

    def pause(self, waited: float) -> float:
        """Return the seconds to leave an answer alone whose last piece took `waited` to come."""
        if self._answers <= FEW or waited < AT_HAND:
            return 0.0
        return self._answers / READS_A_SECOND
