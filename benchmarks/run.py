"""Measure and print both tables: ``python benchmarks/run.py``.

Exit code 1 when a target was missed. The figures go to ``results.json`` beside this file, if all of it was measured.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))  # the fleet is the tests'

import overhead
import storm
from report import circumstances

_RESULTS = Path(__file__).with_name("results.json")
_TABLES = {"overhead": overhead.measure, "storm": storm.measure}
_PACKAGES = ("requests-zohorecruit", "requests", "requests-oauthlib", "Authlib", "requests-oauth2client", "google-auth")


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", metavar="table", help=f"of {', '.join(_TABLES)}; all by default")
    parser.add_argument("--quick", action="store_true", help="few rounds and cells: to see that it runs, not to quote")
    parser.add_argument("--json", type=Path, help="where the figures go")
    options = parser.parse_args()
    if unknown := set(options.tables) - set(_TABLES):
        parser.error(f"no table is called {', '.join(unknown)}")
    about = circumstances(*_PACKAGES)
    print(f"{about['date']}, Python {about['python']}, {about['system']}, {about['cores']} cores, {about['processor']}")
    tables = {}
    for name in options.tables or _TABLES:
        tables[name] = _TABLES[name](quick=options.quick)
        print(f"\n{tables[name]}", flush=True)
    path = options.json or (_RESULTS if not options.quick and set(tables) == set(_TABLES) else None)
    if path:
        figures = {**about, "tables": {name: table.as_json() for name, table in tables.items()}}
        path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0 if all(table.reached for table in tables.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
