"""Mutation testing: changes the library in thousands of small ways, and tells which changes no test notices.

``python tests/mutation/run.py [MODULE …]``; CONTRIBUTING.rst says how to read what it prints. The tests are imported
once; each mutant lives in a forked process of its own, which runs the tests that call the changed function.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import tomllib
from forked import TIMED_OUT, Fork, in_forks
from killers import KILLERS, PATIENT, SLOW
from live import Functions, imported_anew, place
from mutants import Mutant, mutants_of
from suite import FOLDER, collected, imported, of_the_tests

#: Share of the mutants that must be killed, in percent; those listed as equivalent are not counted.
NEEDED = 95.0
#: Exit status of a mutant's process that no test has noticed. Everything else is the mutant's death.
SURVIVED = 10
KILLED = 11
#: … or that Python refuses to compile, so that it is none.
NO_PROGRAM = 12
EQUIVALENT = Path(__file__).with_name("equivalent.toml")


@dataclass
class Knowledge:
    """What is known before the first mutant, and which tests have killed so far."""

    suite: object
    functions: Functions
    at_import: set
    seconds: dict
    calls: dict
    kills: dict = field(default_factory=lambda: defaultdict(Counter))

    def tests(self, module, items, places=None):
        """Return those of `items` that are for a module and call one of `places` (None: or not)."""
        files = tuple(KILLERS[module])
        return [
            item
            for item in items
            if item.nodeid.startswith(files)
            and (module in PATIENT or not any(name in item.nodeid for name in SLOW))
            and item.nodeid in self.calls
            and (places is None or places & self.calls[item.nodeid])
        ]

    def promising(self, mutant):
        """Return a key to sort tests by: what killed this function's mutants before, then what is fast."""
        near, far = self.kills[mutant.module, mutant.function], self.kills[mutant.module]
        return lambda item: (-near[item.nodeid], -min(far[item.nodeid], 3), self.seconds.get(item.nodeid, 0.0))


class Trial:
    """One mutant before its tests: in the functions that are there, or, where that is not enough, imported anew."""

    seconds = 600.0

    def __init__(self, mutant, known, original):
        self.mutant, self._known, self._original = mutant, known, original

    def run(self, say):
        """Run the tests; in a process of its own."""
        try:
            code = compile(self.mutant.source, self._original.co_filename, "exec", dont_inherit=True)
        except SyntaxError:
            return NO_PROGRAM
        patches = self._known.functions.patches(self._original, code)
        places = {place(function.__code__) for function, _ in patches or ()}
        tests = self._known.tests(self.mutant.module, self._known.suite.items, places)
        if tests:
            for function, changed in patches:
                function.__code__ = changed
            status = self._judge(self._known.suite, tests, say)
            if status == KILLED or not places & self._known.at_import:
                return status
        return self._anew(code, say)

    def _anew(self, code, say):
        imported_anew(self.mutant.module, code, also=of_the_tests)
        for file in KILLERS[self.mutant.module]:
            status = collected([file], lambda suite: self._judge(suite, suite.items, say))
            if status != SURVIVED:
                return status
        return SURVIVED

    def _judge(self, suite, items, say):
        tests = sorted(self._known.tests(self.mutant.module, items), key=self._known.promising(self.mutant))
        if suite.passes(tests, self._known.seconds):
            return SURVIVED
        say(suite.failed)
        return KILLED


@dataclass
class Outcome:
    """What became of a module's mutants."""

    killed: int = 0
    late: int = 0
    survivors: list = field(default_factory=list)


def tried(module, mutants, known, workers):
    """Try a module's mutants and return their outcome."""
    path = FOLDER / f"{module.replace('.', '/')}.py"
    source = path.read_text("utf-8")
    original = compile(source, str(path), "exec", dont_inherit=True)
    control = Mutant(module, "nothing", "", "", f"{source}\n_CONTROL = True\n")
    outcome = Outcome()
    for trial, status, said in in_forks((Trial(each, known, original) for each in (control, *mutants)), workers):
        mutant = trial.mutant
        if mutant is control and status != SURVIVED:
            raise RuntimeError(f"{module} imported anew fails its tests although nothing was changed: {status} {said}")
        if status == SURVIVED and mutant is not control:
            outcome.survivors.append(mutant)
            show(mutant)
        elif status not in {SURVIVED, NO_PROGRAM}:
            outcome.killed += 1
            outcome.late += status in TIMED_OUT
            for scope in ((module, mutant.function), module):
                known.kills[scope][said] += 1
    print(f"{module}: {outcome.killed} killed, {len(outcome.survivors)} not", flush=True)
    return outcome


def show(mutant):
    """Print a survivor."""
    print(f"\n{mutant.module}: {mutant.function}")
    for sign, text in (("-", mutant.before), ("+", mutant.after)):
        print("\n".join(f"  {sign} {line}" for line in text.splitlines()), flush=True)


def listed():
    """Return key -> reason for the mutants that change nothing anybody could notice."""
    reasons = {}
    for entry in tomllib.loads(EQUIVALENT.read_text("utf-8"))["equivalent"]:
        key = tuple(entry[name].strip() for name in ("module", "function", "before", "after"))
        reasons[key] = entry["reason"]
    return reasons


def score(killed, survived):
    """Return the share of the killed, in percent."""
    return 100.0 * killed / (killed + survived) if killed + survived else 100.0


def report(outcomes, equivalent, *, complete):
    """Print the table, and return whether the tests are good enough and the list is true."""
    print(f"\n{'module':<24}{'mutants':>9}{'killed':>8}{'(timeout)':>11}{'equivalent':>12}{'survived':>10}{'score':>8}")
    rows = []
    for module, outcome in outcomes.items():
        alive = [mutant for mutant in outcome.survivors if mutant.key not in equivalent]
        same = len(outcome.survivors) - len(alive)
        rows.append((module, outcome.killed + len(outcome.survivors), outcome.killed, outcome.late, same, len(alive)))
    rows.append(("all", *(sum(row[column] for row in rows) for column in range(1, 6))))
    for row in rows:
        module, total, killed, late, same, alive = row
        print(f"{module:<24}{total:>9}{killed:>8}{late:>11}{same:>12}{alive:>10}{score(killed, alive):>8.1f}")
    survivors = {mutant.key for outcome in outcomes.values() for mutant in outcome.survivors}
    untrue = [key for key in equivalent if complete and key[0] in outcomes and key not in survivors]
    for key in untrue:
        print(f"\nlisted in {EQUIVALENT.name}, but killed or not there any more:", *key, sep="\n  ")
    return not untrue and score(rows[-1][2], rows[-1][5]) >= NEEDED


def main():
    """Run what the arguments ask for."""
    parser = argparse.ArgumentParser(description="Which small wrong changes of the library does no test notice?")
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(KILLERS)}; all if none is given")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each Nth mutant: a quick look")
    parser.add_argument("--function", default="", help="only mutants of functions whose name begins like this")
    parser.add_argument("--results", type=Path, help="write the survivors into this file, as JSON")
    parser.add_argument("--only", type=Path, help="only the mutants in such a file")
    arguments = parser.parse_args()
    modules = arguments.modules or list(KILLERS)
    at_import = imported([*KILLERS, "sandbox.server"])
    only = {tuple(key) for key in json.loads(arguments.only.read_text())} if arguments.only else None
    mutants = {
        module: [
            mutant
            for mutant in mutants_of(module, (FOLDER / f"{module.replace('.', '/')}.py").read_text("utf-8"))[
                :: arguments.every
            ]
            if mutant.function.startswith(arguments.function) and (only is None or mutant.key in only)
        ]
        for module in modules
    }

    def work(suite):
        known = knowledge(suite, at_import)
        print(f"{sum(map(len, mutants.values()))} mutants, {len(suite.items)} tests", flush=True)
        outcomes = {}
        for module in modules:
            outcomes[module] = tried(module, mutants[module], known, arguments.workers)
            if arguments.results:
                survivors = [mutant.key for outcome in outcomes.values() for mutant in outcome.survivors]
                arguments.results.write_text(json.dumps(survivors, indent=1))
        return outcomes

    with tempfile.TemporaryDirectory() as folder:
        os.environ["PYTEST_DEBUG_TEMPROOT"] = folder
        outcomes = collected(sorted({file for module in modules for file in KILLERS[module]}), work)
    complete = arguments.every == 1 and only is None and not arguments.function
    good = report(outcomes, listed(), complete=complete)
    sys.exit(0 if good or not complete else f"below {NEEDED} percent, or the list is untrue")


def knowledge(suite, at_import):
    """Run the tests once, in a process of its own, so that this one stays as it is."""
    file = Path(os.environ["PYTEST_DEBUG_TEMPROOT"]) / "measured.json"

    def measure(_):
        suite.measure(file)
        return SURVIVED

    fork = Fork(measure, 3600)
    os.waitid(os.P_PID, fork.pid, os.WEXITED | os.WNOWAIT)
    status, said = fork.result()
    if status != SURVIVED:
        raise RuntimeError(f"the tests could not be run: {status} {said}")
    measured = json.loads(file.read_text())
    for item in suite.items:
        if item.nodeid not in measured:
            print(f"fails although nothing was changed, so it is left out: {item.nodeid}")
    seconds = {name: each[0] for name, each in measured.items()}
    calls = {name: {tuple(called) for called in each[1]} for name, each in measured.items()}
    gc.collect()
    gc.freeze()
    return Knowledge(suite, Functions(), at_import, seconds, calls)


if __name__ == "__main__":
    main()
