"""One HTML file with the plots of a comparison: no script, nothing fetched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import log10

from headgate.gate.simulate.result import Result, Summary

WIDTH, HEIGHT, LEFT, BOTTOM = 640, 260, 56, 32
COLOURS = ("#0f766e", "#b45309", "#6d28d9", "#be123c", "#1d4ed8", "#4d7c0f")
_POINTS = 240
_SHOWN_OF_QUICKEST = 3.0
"""Slots are shown for so many times as long as the quickest policy takes."""

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;
color:#1f2937;background:#fff}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:.3rem .5rem;text-align:right;border-bottom:1px solid #d1d5db}
th:first-child,td:first-child{text-align:left}
svg{width:100%;height:auto}
.scroll{overflow-x:auto}
svg text{font:12px system-ui,sans-serif;fill:currentColor}
@media(prefers-color-scheme:dark){body{color:#e5e7eb;background:#111827}}
"""


def page(
    settings: Mapping[str, object],
    results: Mapping[str, Result],
    summaries: Mapping[str, Summary],
) -> str:
    """The whole file. Policies keep their order and their colour over all plots."""
    colours = {name: COLOURS[n % len(COLOURS)] for n, name in enumerate(results)}
    told = ", ".join(f"{escape(str(k))} {escape(str(v))}" for k, v in settings.items())
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width,initial-scale=1'>",
        f"<title>Simulation of the gate</title><style>{_STYLE}</style>",
        f"<h1>Simulation of the gate</h1><p>{told}</p>",
        _table(summaries),
        "<h2>Turnaround</h2><p>Share of the changes decided within so many minutes of their "
        "arrival; logarithmic.</p>",
        _turnaround(results, colours),
        "<h2>Builds per change</h2>",
        _bars({n: float(s["builds_per_change"]) for n, s in summaries.items()}, colours),
        "<h2>Slots in use</h2><p>Over the hours of the simulation.</p>",
        _slots(results, colours),
    ]
    return "\n".join(parts) + "\n"


def _table(summaries: Mapping[str, Summary]) -> str:
    columns = ("p50_over_oracle", "p95_over_oracle", "p99_over_oracle", "builds_per_change")
    columns = (*columns, "decided", "untested_landings")
    head = "".join(f"<th>{c.replace('_', ' ')}" for c in columns)
    rows = "".join(
        f"<tr><td>{escape(name)}" + "".join(f"<td>{summary[c]}" for c in columns)
        for name, summary in summaries.items()
    )
    return f"<div class=scroll><table><tr><th>policy{head}{rows}</table></div>"


def _frame(inside: str, label: str) -> str:
    return (
        f"<svg viewBox='0 0 {WIDTH} {HEIGHT}' role=img aria-label='{escape(label, quote=True)}'>"
        f"<path d='M{LEFT} 8V{HEIGHT - BOTTOM}H{WIDTH - 8}' fill=none stroke=currentColor />"
        f"{inside}</svg>"
    )


def _line(points: Sequence[tuple[float, float]], colour: str) -> str:
    if len(points) > _POINTS:
        step = len(points) / _POINTS
        points = [*(points[int(k * step)] for k in range(_POINTS)), points[-1]]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f"<path d='M{path}' fill=none stroke='{colour}' stroke-width=2 />" if points else ""


def _text(x: float, y: float, words: str, colour: str = "", anchor: str = "start") -> str:
    fill = f" style='fill:{colour}'" if colour else ""
    return f"<text x={x:.0f} y={y:.0f} text-anchor={anchor}{fill}>{escape(words)}</text>"


def _legend(colours: Mapping[str, str]) -> str:
    return "".join(
        _text(WIDTH - 12, 22 + 16 * n, name, colour, "end")
        for n, (name, colour) in enumerate(colours.items())
    )


def _turnaround(results: Mapping[str, Result], colours: Mapping[str, str]) -> str:
    decades = (1.0, 10.0, 100.0, 1000.0, 10000.0)

    def across(minutes: float) -> float:
        lowest, highest = decades[0], decades[-1]
        share = log10(max(lowest, min(minutes, highest)) / lowest) / log10(highest / lowest)
        return LEFT + share * (WIDTH - LEFT - 24)

    inside = [_text(across(d), HEIGHT - 12, f"{d:.0f}", anchor="middle") for d in decades] + [
        _text(LEFT - 6, _up(share), f"{share:.0%}", anchor="end") for share in (0.0, 0.5, 1.0)
    ]
    for name, result in results.items():
        times = sorted(result.decided.values())
        points = [(across(t / 60), _up((n + 1) / len(times))) for n, t in enumerate(times)]
        inside.append(_line(points, colours[name]))
    inside.append(_legend(colours))
    return _frame("".join(inside), "Share of changes decided by turnaround, per policy")


def _slots(results: Mapping[str, Result], colours: Mapping[str, str]) -> str:
    ends = sorted(r.usage[-1][0] for r in results.values() if r.usage) or [1.0]
    last = min(ends[-1], _SHOWN_OF_QUICKEST * ends[0]) or 1.0
    most = max((used for r in results.values() for _, used in r.usage), default=1) or 1
    inside = [
        _text(LEFT - 6, _up(1.0), str(most), anchor="end"),
        _text(LEFT - 6, _up(0.0), "0", anchor="end"),
        _text(WIDTH - 12, HEIGHT - 12, f"{last / 3600:.1f} h", anchor="end"),
    ]
    for name, result in results.items():
        points = [
            (LEFT + at / last * (WIDTH - LEFT - 16), _up(used / most))
            for at, used in result.usage
            if at <= last
        ]
        inside.append(_line(points, colours[name]))
    inside.append(_legend(colours))
    return _frame("".join(inside), "Slots in use over time, per policy")


def _bars(values: Mapping[str, float], colours: Mapping[str, str]) -> str:
    most = max(values.values(), default=1.0) or 1.0
    wide = (WIDTH - LEFT - 16) / max(len(values), 1)
    inside: list[str] = []
    for n, (name, value) in enumerate(values.items()):
        x, top = LEFT + n * wide, _up(value / most)
        tall = _up(0.0) - top
        inside.append(
            f"<rect x={x + 8:.1f} y={top:.1f} width={wide - 16:.1f} height={tall:.1f} "
            f"fill='{colours[name]}' />"
        )
        inside.append(_text(x + wide / 2, HEIGHT - 12, name, anchor="middle"))
        inside.append(_text(x + wide / 2, top - 4, f"{value:.2f}", anchor="middle"))
    return _frame("".join(inside), "Builds per change, per policy")


def _up(share: float) -> float:
    return 24 + (1.0 - share) * (HEIGHT - BOTTOM - 24)
