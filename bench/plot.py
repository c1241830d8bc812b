"""Line charts as SVG, readable on light and on dark pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10
from pathlib import Path

WIDTH, HEIGHT = 720, 440
LEFT, RIGHT, TOP, BOTTOM = 70, 150, 50, 60
COLOURS = ("#0b66c3", "#c2410c", "#15803d", "#7e22ce", "#57534e", "#be123c")


@dataclass(frozen=True, slots=True)
class Line:
    """Points (x, y) under one name; `labels` stand beside them, where given."""

    name: str
    points: Sequence[tuple[float, float]]
    labels: Sequence[str] = ()


def plot(
    path: Path,
    lines: Sequence[Line],
    *,
    x: str,
    y: str,
    title: str,
    logarithmic: bool = False,
) -> None:
    """Draw lines into a file; both axes go from a round number below to one above.

    Args:
        logarithmic: both axes are, with a mark at each power of ten.
    """
    if logarithmic:
        lines = [
            Line(line.name, [(log10(a), log10(b)) for a, b in line.points], line.labels)
            for line in lines
        ]
    xs = [point[0] for line in lines for point in line.points]
    ys = [point[1] for line in lines for point in line.points]
    if logarithmic:
        x_ticks, y_ticks = _powers(min(xs), max(xs)), _powers(min(ys), max(ys))
    else:
        x_ticks, y_ticks = _ticks(min(xs), max(xs)), _ticks(min(ys), max(ys))

    def shown(tick: float) -> str:
        return f"{10**tick:,.10g}" if logarithmic else f"{tick:g}"

    def across(value: float) -> float:
        return LEFT + (value - x_ticks[0]) / (x_ticks[-1] - x_ticks[0]) * (WIDTH - LEFT - RIGHT)

    def up(value: float) -> float:
        share = (value - y_ticks[0]) / (y_ticks[-1] - y_ticks[0])
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'role="img" aria-label="{escape(title)}" font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="28" font-size="16" font-weight="bold">{escape(title)}</text>',
    ]
    for tick in x_ticks:
        at = across(tick)
        parts += [
            f'<path d="M{at:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#ddd"/>',
            f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">'
            f"{shown(tick)}</text>",
        ]
    for tick in y_ticks:
        at = up(tick)
        parts += [
            f'<path d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>',
            f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{shown(tick)}</text>',
        ]
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts += [
        f'<text x="{middle}" y="{HEIGHT - 14}" text-anchor="middle">{escape(x)}</text>',
        f'<text transform="translate(18 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" '
        f'text-anchor="middle">{escape(y)}</text>',
    ]
    for number, line in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        places = [(across(a), up(b)) for a, b in line.points]
        way = " ".join(f"{a:.1f},{b:.1f}" for a, b in places)
        parts.append(f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for (a, b), label in zip(places, line.labels, strict=False):
            parts += [
                f'<circle cx="{a:.1f}" cy="{b:.1f}" r="4" fill="{colour}"/>',
                f'<text x="{a + 7:.1f}" y="{b - 6:.1f}" fill="{colour}">{escape(label)}</text>',
            ]
        at = TOP + 10 + 22 * number
        parts += [
            f'<rect x="{WIDTH - RIGHT + 16}" y="{at - 9}" width="12" height="12" fill="{colour}"/>',
            f'<text x="{WIDTH - RIGHT + 34}" y="{at + 2}">{escape(line.name)}</text>',
        ]
    path.write_text("\n".join([*parts, "</svg>\n"]), encoding="utf-8")


def _powers(low: float, high: float) -> list[float]:
    """Return the whole exponents around everything from low to high."""
    return [float(power) for power in range(floor(low), max(ceil(high), floor(low) + 1) + 1)]


def _ticks(low: float, high: float) -> list[float]:
    """Return four to nine round numbers, evenly apart, around everything from low to high."""
    step = 1e-6
    while (high - low) / step > 7:
        step *= 2.5 if f"{step:e}"[0] == "2" else 2
    first = int(low // step)
    ticks = [round(first * step, 6)]
    while ticks[-1] < high or len(ticks) < 2:
        ticks.append(round(ticks[-1] + step, 6))
    return ticks
