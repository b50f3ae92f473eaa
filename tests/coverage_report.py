"""Report the branch coverage, and fail below 100 percent: ``python tests/coverage_report.py``.

What was not tested for want of a server is left out, and said. CI has all servers and demands them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from coverage import Coverage

sys.path.append(str(Path(__file__).parent))

from helpers.database_servers import mariadb_programs, postgres_programs, redis_program

_SQL = ("sql.py", "sql_locks.py")
#: Which stores' modules are not wholly tested without which server.
NEEDED_FOR = {redis_program: ("redis.py",), postgres_programs: _SQL, mariadb_programs: _SQL}


def left_out() -> dict[str, str]:
    """Return the modules that cannot have been tested here, and why."""
    found = {}
    for program, modules in NEEDED_FOR.items():
        try:
            program()
        except (pytest.skip.Exception, pytest.fail.Exception) as why:
            found |= {f"*/requests_zohorecruit/stores/{module}": str(why) for module in modules}
    return found


def main() -> int:
    """Print the report, and tell whether everything in it was run."""
    coverage, omitted = Coverage(), left_out()
    coverage.load()
    total = coverage.report(omit=sorted(omitted) or None)
    for module, why in omitted.items():
        print(f"Not in this report: {module.removeprefix('*/')}, since {why}.")
    if total < 100:
        print(f"{total:.2f} percent were run, and not all.")
    return 0 if total >= 100 else 1


if __name__ == "__main__":
    sys.exit(main())
