"""The report's charts, as SVG that takes its colours from the page. No scripts, no fonts, no network."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

WIDTH, HEIGHT = 460, 300
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 12, 40
COLOURS = 6  #: .c0 … in the page


def share(value: float | None, digits: int = 3) -> str:
    """Return a number between 0 and 1 with fixed digits.

    >>> share(0.8251), share(None)
    ('0.825', '–')
    """
    return "–" if value is None else f"{value:.{digits}f}"


def interval(ends: Sequence[float] | None) -> str:
    """Return an interval.

    >>> interval((0.81, 0.9)), interval(None)
    ('0.810 – 0.900', '')
    """
    return "" if ends is None else f"{ends[0]:.3f} – {ends[1]:.3f}"


def number(value: float | None) -> str:
    """Return a count with separators.

    >>> number(12345)
    '12,345'
    """
    return "–" if value is None else f"{value:,.0f}"


def precision_recall(curves: Sequence[Mapping[str, Any]], threshold: float | None) -> Markup:
    """Return precision against recall; a dot stands where the threshold is, if there is one."""
    parts = [_frame("recall", "precision")]
    for at, curve in enumerate(curves):
        points = curve["points"]
        parts.append(_line([(0.0, points[0]["precision"]), *((each["recall"], each["precision"]) for each in points)], at))
        if threshold is not None and (above := [each for each in points if each["threshold"] >= threshold]):
            x, y = _place(above[-1]["recall"], above[-1]["precision"])
            parts.append(f'<circle class="c{at} dot" cx="{x}" cy="{y}" r="5"><title>threshold {threshold:.3f}</title></circle>')
    return _svg(parts, "Precision against recall")


def calibration(before: Sequence[Mapping[str, float]], after: Sequence[Mapping[str, float]]) -> Markup:
    """Return what was true against what was said, before and after calibrating; the larger a dot, the more rows."""
    parts = [_frame("probability said", "share that was true"), _line([(0, 0), (1, 1)], None)]
    for colour, curve in ((1, before), (0, after)):
        most = max((each["n"] for each in curve), default=1)
        parts.append(_line([(each["said"], each["true"]) for each in curve], colour))
        for each in curve:
            x, y = _place(each["said"], each["true"])
            title = f"said {each['said']:.2f}, true {each['true']:.2f}, {each['n']:,.0f} rows"
            size = 2.5 + 5 * (each["n"] / most) ** 0.5
            parts.append(f'<circle class="c{colour} soft-dot" cx="{x}" cy="{y}" r="{size:.1f}"><title>{title}</title></circle>')
    return _svg(parts, "Calibration before and after")


def learning(curve: Sequence[Mapping[str, float]], wanted: float) -> Markup:
    """Return scores (0 to 1) against the number of gold labels, on a logarithmic scale, beside a line at `wanted`."""
    first, last = math.log(curve[0]["n"]), math.log(max(curve[-1]["n"], curve[0]["n"] + 1))
    across = [(math.log(each["n"]) - first) / (last - first) for each in curve]
    parts = [_axes("gold labels", "average precision"), *_ticks_up(), _line([(0, wanted), (1, wanted)], 1)]
    parts.append(_line([(x, each["score"]) for x, each in zip(across, curve, strict=True)], 0))
    for at, each in zip(across, curve, strict=True):
        x, y = _place(at, each["score"])
        low, high = _place(at, each["lowest"])[1], _place(at, each["highest"])[1]
        parts.append(f'<path class="c0 line" d="M{x} {low}V{high}"/><circle class="c0" cx="{x}" cy="{y}" r="4"/>')
        parts.append(f'<text x="{x}" y="{HEIGHT - BOTTOM + 17}" text-anchor="middle">{each["n"]:,}</text>')
    return _svg(parts, "Scores by number of gold labels")


def lengths(bins: Sequence[Mapping[str, int]], last: int) -> Markup:
    """Return a histogram of lengths in characters; `last` is where the longest share one bar."""
    if not bins:
        return Markup("")
    step = 20
    most = max(each["n"] for each in bins)
    slots = last // step + 1
    width = (WIDTH - LEFT - RIGHT) / slots
    parts = [_axes("characters", "")]
    for each in bins:
        tall = (HEIGHT - TOP - BOTTOM) * each["n"] / most
        x, y = LEFT + width * (each["from"] // step), HEIGHT - BOTTOM - tall
        name = f"{each['from']} or more" if each["from"] >= last else f"{each['from']} to {each['from'] + step - 1}"
        parts.append(
            f'<rect class="c0" x="{x + 0.5:.1f}" y="{y:.1f}" width="{max(width - 1, 1):.1f}" height="{tall:.1f}">'
            f"<title>{name} characters: {each['n']:,}</title></rect>"
        )
    for at in range(0, last + 1, 100):
        x = LEFT + width * (at / step)
        parts.append(
            f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 17}" text-anchor="middle">{at}{"+" if at == last else ""}</text>'
        )
    parts.append(f'<text x="{LEFT - 6}" y="{TOP + 8}" text-anchor="end">{most:,}</text>')
    return _svg(parts, "Lengths of texts")


def weeks(found: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> Markup:
    """Return the labels' shares by week, a bar of one height for each week."""
    width = (WIDTH - LEFT - RIGHT) / max(len(found), 1)
    parts = [_axes("week", "share"), *_ticks_up()]
    for at, each in enumerate(found):
        height = 0.0
        for colour, label in enumerate(labels):
            part = each["shares"].get(label, 0.0)
            top = HEIGHT - BOTTOM - (height + part) * (HEIGHT - TOP - BOTTOM)
            parts.append(
                f'<rect class="c{colour % COLOURS}" x="{LEFT + width * at + 0.5:.1f}" y="{top:.1f}" width="{max(width - 1, 0.5):.1f}" '
                f'height="{part * (HEIGHT - TOP - BOTTOM):.1f}"><title>{escape(each["week"])}: {escape(label)} {part:.2f} of '
                f"{each['n']:,}</title></rect>"
            )
            height += part
    for at in sorted({0, len(found) // 2, len(found) - 1}) if found else []:
        x = LEFT + width * (at + 0.5)
        anchor = "start" if at == 0 and len(found) > 1 else "end" if at == len(found) - 1 and len(found) > 1 else "middle"
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 17}" text-anchor="{anchor}">{escape(found[at]["week"])}</text>')
    return _svg(parts, "Shares of labels by week")


def bar(value: float, most: float) -> Markup:
    """Return a bar as wide as `value` is among `most`, for a table's cell."""
    width = round(100 * abs(value) / most, 1) if most else 0
    side = "against" if value < 0 else "for"
    return Markup('<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
                  f'<rect class="{side}" width="{width}" height="8"/></svg>')  # fmt: skip


def _place(x: float, y: float) -> tuple[float, float]:
    return round(LEFT + x * (WIDTH - LEFT - RIGHT), 1), round(HEIGHT - BOTTOM - y * (HEIGHT - TOP - BOTTOM), 1)


def _line(points: Sequence[tuple[float, float]], colour: int | None) -> str:
    path = " ".join("{},{}".format(*_place(*point)) for point in points)
    kind = "diagonal" if colour is None else f"c{colour % COLOURS} line"
    return f'<polyline class="{kind}" points="{path}"/>'


def _axes(across: str, up: str) -> str:
    left, bottom = LEFT, HEIGHT - BOTTOM
    return (
        f'<path class="axis" d="M{left} {TOP}V{bottom}H{WIDTH - RIGHT}"/>'
        f'<text x="{(left + WIDTH - RIGHT) / 2}" y="{HEIGHT - 5}" text-anchor="middle">{across}</text>'
        f'<text transform="translate(11 {(TOP + bottom) / 2}) rotate(-90)" text-anchor="middle">{up}</text>'
    )


def _ticks_up() -> list[str]:
    return [f'<text x="{LEFT - 6}" y="{_place(0, at)[1] + 4}" text-anchor="end">{at:g}</text>' for at in (0, 0.5, 1)]


def _frame(across: str, up: str) -> str:
    """Axes from 0 to 1 both ways."""
    parts = [_axes(across, up)]
    for at in (0, 0.2, 0.4, 0.6, 0.8, 1):
        x, y = _place(at, at)
        parts.append(f'<path class="grid" d="M{x} {TOP}V{HEIGHT - BOTTOM}M{LEFT} {y}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{x}" y="{HEIGHT - BOTTOM + 17}" text-anchor="middle">{at:g}</text>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{at:g}</text>')
    return "".join(parts)


def _svg(parts: Sequence[str], name: str) -> Markup:
    inside = "".join(parts)
    return Markup(f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(name)}">{inside}</svg>')
