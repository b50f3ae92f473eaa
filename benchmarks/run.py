"""Measure and print all tables, or those named: ``python benchmarks/run.py``, about fifteen minutes on two cores.

What was measured replaces its like in ``results.json`` beside this file, and from there the documentation's tables and
plots are made. Exit code 1 when a target was missed.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "tests"))  # the fleet is the tests'

import docpage
import fixture
import overhead
import pytest
import soak
import storm
from report import circumstances

_RESULTS = Path(__file__).with_name("results.json")
_TABLES = {
    "overhead": overhead.measure,
    "storm": storm.measure,
    "stores": storm.measure_stores,
    "soak": soak.measure,
    "fixture": fixture.measure,
}
_PACKAGES = ("requests-zohorecruit", "requests", "requests-oauthlib", "Authlib", "requests-oauth2client", "google-auth")


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", metavar="table", help=f"of {', '.join(_TABLES)}; all by default")
    parser.add_argument("--quick", action="store_true", help="few rounds and cells: to see that it runs, not to quote")
    parser.add_argument("--json", type=Path, help="where the figures go, instead of into the documentation")
    parser.add_argument("--render", action="store_true", help="measure nothing: make the documentation's part anew")
    options = parser.parse_args()
    if unknown := set(options.tables) - set(_TABLES):
        parser.error(f"no table is called {', '.join(unknown)}")
    reached, measured = True, {}
    for name in () if options.render else options.tables or _TABLES:
        try:
            table = _TABLES[name](quick=options.quick)
        except (pytest.skip.Exception, pytest.fail.Exception) as missing:  # what the servers' starters raise
            parser.exit(2, f"{name} cannot be measured: {missing}\n")
        measured[name] = {**table.as_json(), "measured": circumstances(*_PACKAGES)}
        reached &= table.reached
        print(f"{table}\n{docpage.machine(measured[name])}\n", flush=True)
    if options.json:
        _write(options.json, measured)
    elif not options.quick:
        figures = {**json.loads(_RESULTS.read_text("utf-8")), **measured}
        _write(_RESULTS, {name: figures[name] for name in _TABLES if name in figures})
        docpage.render(figures)
    return 0 if reached else 1


def _write(path: Path, figures: dict[str, Any]) -> None:
    path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
