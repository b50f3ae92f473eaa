"""What is written down about the package twice is the same in both places, and importing it says nothing."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
from pathlib import Path

import setuptools
from packaging.requirements import Requirement
from packaging.version import Version

import requests_zohorecruit

ROOT = Path(__file__).parents[2]
SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg", encoding="utf-8")
EXTRAS = SETUP["options.extras_require"]


def requirements(text):
    return [Requirement(line) for line in text.splitlines() if line and not line.startswith("#")]


def test_the_oldest_versions_tested_are_the_bounds_of_setup_cfg():
    allowed = requirements("\n".join([SETUP["options"]["install_requires"], *EXTRAS.values()]))
    bounds = {each.name: each.specifier for each in allowed if each.name != "requests-zohorecruit"}
    constraints = requirements((Path(__file__).parent / "lowest.txt").read_text("utf-8"))
    tested = {each.name: str(each.specifier) for each in constraints if str(each.specifier).startswith("==")}
    assert {name: str(bound) for name, bound in bounds.items()} == {
        name: version.replace("==", ">=") for name, version in tested.items()
    }


def test_each_python_that_is_promised_has_its_environment():
    promised = re.findall(r"Python :: (3\.\d+)$", SETUP["metadata"]["classifiers"], re.MULTILINE)
    tested = re.search(r"^\[testenv:py3\{([\d,]+)\}\]$", (ROOT / "tox.ini").read_text("utf-8"), re.MULTILINE)[1]
    assert promised == [f"3.{minor}" for minor in tested.split(",")]
    assert SETUP["options"]["python_requires"] == f">={min(promised, key=Version)}"


def test_each_extra_is_checked_in_an_environment_of_its_own():
    environments = re.search(
        r"^\[testenv:extra-\{none,([\w,]+)\}\]$", (ROOT / "tox.ini").read_text("utf-8"), re.MULTILINE
    )[1]
    assert environments.split(",") == sorted(EXTRAS)


def described(monkeypatch, address):
    """Return what setup.py adds to setup.cfg once the project has this address."""
    given = {}
    monkeypatch.setattr(setuptools, "setup", given.update)
    source = (ROOT / "setup.py").read_text("utf-8")
    assert source.count('\nADDRESS = "') == 1
    source = re.sub(r'\nADDRESS = ".*"', f'\nADDRESS = "{address}"', source)
    exec(compile(source, "setup.py", "exec"), {"__file__": str(ROOT / "setup.py"), "__name__": "setup"})
    return given


def test_without_an_address_the_package_names_none(monkeypatch):
    assert described(monkeypatch, "") == {}


def test_one_address_makes_all_links_work_on_a_package_index(monkeypatch):
    given = described(monkeypatch, "https://code.example/team/project")
    addresses = list(given["project_urls"].values())
    assert all(each.startswith("https://code.example/team/project") for each in addresses)
    links = re.findall(r"<([^>\s]+)>`_", given["long_description"])
    assert len(links) > 25
    assert [link for link in links if not link.startswith("https://")] == []
    paths = [link.partition("/blob/main/")[2] for link in [*links, *addresses] if "/blob/main/" in link]
    assert len(paths) > 20
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_workflow_runs_each_python_and_environments_that_exist():
    workflow = (ROOT / ".github/workflows/tests.yml").read_text("utf-8")
    [matrix] = re.findall(r"^ +env: \[(.*)\]$", workflow, re.MULTILINE)
    pythons = dict(re.findall(r'\{env: (\w+), python: "([\d.]+)"', workflow))
    promised = re.findall(r"Python :: (3\.\d+)$", SETUP["metadata"]["classifiers"], re.MULTILINE)
    assert matrix.split(", ") == [f"py{version.replace('.', '')}" for version in promised]
    assert pythons == {f"py{version.replace('.', '')}": version for version in promised} | {
        "lowest": min(promised, key=Version)
    }
    told = re.findall(r"tox run -e (\w+)", workflow)
    assert told == ["demo"]
    assert {f"[testenv:{name}]" for name in (*told, "lowest")} <= set(
        (ROOT / "tox.ini").read_text("utf-8").splitlines()
    )


def test_importing_every_public_name_warns_of_nothing():
    code = "import requests_zohorecruit as p; [getattr(p, name) for name in p.__all__]; from requests_zohorecruit.stores import *"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_package_says_that_it_is_typed():
    assert (Path(requests_zohorecruit.__file__).parent / "py.typed").exists()
