"""Estimates of tokens: cautious where a prompt is budgeted, sure where a cut is reported."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.tokens import least_tokens, most_tokens

# Counted with SmolLM2's tokenizer (49,152 entries), by `tests/llm`, which has it.
COUNTED = [
    ("The lighthouse of Arnholm was built in 1871 by Clara Veit.", 18),
    ("def f(x):\n    return {k: v for k, v in x.items() if v}\n", 24),
    ("12,345.67 2024-11-05 +49 30 1234567 0x7ffe 99.999%", 47),
    ("Маяк в Арнхольме был построен в 1871 году Кларой Вейт.", 45),
]


@pytest.mark.parametrize(("text", "counted"), COUNTED)
def test_the_count_lies_between_the_estimates(text: str, counted: int) -> None:
    assert least_tokens(text) <= counted <= most_tokens(text) * 9 // 8


@given(st.text())
def test_the_lower_bound_is_never_above_the_upper_estimate(text: str) -> None:
    assert 0 <= least_tokens(text) <= most_tokens(text)


@given(st.text(), st.text())
def test_more_text_has_more_tokens(one: str, other: str) -> None:
    joined = f"{one} {other}"
    assert most_tokens(joined) >= max(most_tokens(one), most_tokens(other))


def test_half_of_a_text_is_less_than_its_lower_bound() -> None:
    text = "The keeper of the lighthouse writes the weather into a book, every evening. " * 40
    # 640 words and 80 marks: a usual tokenizer makes one token of each.
    assert 720 / 2 < least_tokens(text) < 720 < most_tokens(text)
