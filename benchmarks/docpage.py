"""The documentation's part of the benchmarks: tables as reStructuredText, two plots as SVG, the README's table.

Makes them from what ``results.json`` holds and measures nothing; matplotlib is imported only to draw.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from report import Table

__all__ = ["included", "machine", "overhead_data", "readme", "render", "storm_data"]

_ROOT = Path(__file__).parents[1]
_DIRECTORY = _ROOT / "docs" / "explanation" / "benchmarks"
OURS = "requests_zohorecruit"
#: As Zoho has it, for the line that nobody should cross.
MINTS_ALLOWED = 10
#: Distinct for people who see colours differently, too (Okabe and Ito).
_COLOURS = ("#009e73", "#0072b2", "#d55e00", "#cc79a7", "#e69f00")
_MARKERS = "osD^v"
_GREY = "#555555"


def render(figures: Mapping[str, Any]) -> None:
    """Write all that the page includes, and the README's table."""
    path = _ROOT / "README.rst"
    path.write_text(readme(path.read_text("utf-8"), figures), encoding="utf-8")
    for name, table in figures.items():
        (_DIRECTORY / f"{name}.inc").write_text(included(table), encoding="utf-8")
    _draw_storm(storm_data(figures["storm"]))
    _draw_overhead(overhead_data(figures["overhead"]))


def readme(text: str, figures: Mapping[str, Any]) -> str:
    """Return the README with its table, and the day it was measured, replaced by these."""
    table = textwrap.indent(_summary(figures), "    ")
    text = re.sub(r"(?<=^\.\. code-block:: text\n\n)(?:    .*\n)+", lambda _: table, text, flags=re.MULTILINE)
    return re.sub(r"(?<=^Measured on )[\d-]+", figures["overhead"]["measured"]["date"], text, flags=re.MULTILINE)


def _summary(figures: Mapping[str, Any]) -> str:
    """Return a line for each library: what its largest storm came to, and what it costs when there is none."""
    table = Table("", ("", "expired", "rejected", "auth step", "session.get", "import"))
    costs = {name: cells for name, *cells in figures["overhead"]["rows"]}
    name = ""
    for label, *cells in figures["storm"]["rows"]:
        if not any(cells):
            name = label
        elif label.strip() == "8 x 64":
            table.add(name, *cells, *costs[name])
    text = str(table)
    return text[text.index("==") : text.rindex("==") + 2] + "\n"


def included(table: Mapping[str, Any]) -> str:
    """Return a table with its notes, its targets and where it was measured."""
    columns, rows = table["columns"], table["rows"]
    lines = [f".. list-table:: {table['title'].replace('`', '``')}", "    :header-rows: 1", "    :class: figures", ""]
    for row in (columns, *rows):
        # A name on a line of its own heads the rows below it.
        cells = [f"**{row[0]}**", *row[1:]] if row is not columns and not any(row[1:]) else row
        lines += [f"    {'*' if i == 0 else ' '} - {cell}".rstrip() for i, cell in enumerate(map(str.strip, cells))]
    lines += ["", *(f"- {note.replace('`', '``')}" for note in table["notes"])]
    lines += [f"- {'Target met' if met else '**Target missed**'}: {target}." for target, met in table["targets"]]
    return "\n".join([*lines, "", machine(table), ""])


def machine(table: Mapping[str, Any]) -> str:
    """Return when, where and with what a table was measured."""
    about = table["measured"]
    packages = ", ".join(f"{name} {version}" for name, version in about["packages"].items())
    return (
        f"Measured on {about['date']}: {about['processor']}, {about['cores']} cores, {about['system']}, Python "
        f"{about['python']}; {packages}."
    )


def storm_data(table: Mapping[str, Any]) -> dict[str, dict[int, int]]:
    """Return, by library, the token requests by number of callers with an expired token; the most, of equal cells."""
    data: dict[str, dict[int, int]] = {}
    for label, expired, _ in table["rows"]:
        if not expired:
            series = data.setdefault(label, {})
            continue
        processes, threads = map(int, label.split(" x "))
        requests = int(expired.split(" / ")[0])
        series[processes * threads] = max(series.get(processes * threads, 0), requests)
    return {library: dict(sorted(series.items())) for library, series in data.items()}


def overhead_data(table: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Return, by what was timed, the ratio of each library that was timed."""
    return {
        column: {row[0]: float(row[i]) for row in table["rows"] if row[i] and not row[0].startswith("constant")}
        for i, column in enumerate(table["columns"])
        if i
    }


def _draw_storm(data: Mapping[str, Mapping[int, int]]) -> None:
    figure, axes = _figure(4.8, 4.2)
    for i, (library, series) in enumerate(data.items()):
        # Side by side where they would hide each other.
        callers = [count * (1 if library == OURS else 0.78 + 0.09 * i) for count in series]
        width = 3 if library == OURS else 1.2
        axes.plot(callers, series.values(), color=_COLOURS[i], marker=_MARKERS[i], lw=width, ms=6, label=library)
    axes.axhline(MINTS_ALLOWED, color=_GREY, lw=1, ls="--")
    limit = f"Zoho's limit: {MINTS_ALLOWED} in 10 minutes"
    axes.text(550, MINTS_ALLOWED * 0.87, limit, color=_GREY, fontsize=9, ha="right", va="top")
    axes.set(xscale="log", yscale="log", xlabel="callers at once", ylabel="token requests", ylim=(0.7, 1000))
    axes.set_xticks([1, 8, 64, 512], ["1", "8", "64", "512"])
    axes.set_yticks([1, 10, 100, 1000], ["1", "10", "100", "1000"])
    axes.minorticks_off()
    axes.set_title("Token requests when a token has expired", loc="left", pad=12)
    figure.legend(loc="outside lower left", ncols=2, frameon=False, fontsize=9)
    _save(figure, "storm.svg", data)


def _draw_overhead(data: Mapping[str, Mapping[str, float]]) -> None:
    titles = {"auth step": "Signing a request", "session.get": "A whole session.get", "import": "Importing"}
    figure, all_axes = _figure(4.8, 6.2, len(data))
    for axes, (column, ratios) in zip(all_axes, data.items(), strict=True):
        names = list(ratios)
        bars = axes.barh(names, ratios.values(), color=[_COLOURS[0] if name == OURS else "#9aa5ad" for name in names])
        axes.bar_label(bars, fmt="%.2f", padding=3, fontsize=9)
        axes.axvline(1, color=_GREY, lw=1, ls="--")
        axes.set_title(titles[column], loc="left")
        axes.set_xlim(0, max(ratios.values()) * 1.18)
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0)
    all_axes[-1].set_xlabel("times a constant header (or import requests)")
    _save(figure, "overhead.svg", data)


def _figure(width: float, height: float, rows: int = 1) -> Any:
    import matplotlib.pyplot as plt

    # Small and with large letters, because a telephone shows it at three quarters of its size. Letters as outlines: a
    # picture on a page has no fonts of its own. The salt makes the same figures the same file.
    plt.rcParams.update({"font.size": 10, "axes.titlesize": 11, "svg.fonttype": "path", "svg.hashsalt": OURS})
    figure, axes = plt.subplots(rows, figsize=(width, height), layout="constrained")
    for each in [axes] if rows == 1 else axes:
        each.spines[["top", "right"]].set_visible(False)
        each.set_axisbelow(True)
    return figure, axes


def _save(figure: Any, name: str, data: Mapping[str, Any]) -> None:
    import matplotlib.pyplot as plt

    # What is drawn is told in words, too: for those who check that the picture is of these figures.
    figure.savefig(_DIRECTORY / name, metadata={"Date": None, "Description": json.dumps(data)})
    plt.close(figure)
