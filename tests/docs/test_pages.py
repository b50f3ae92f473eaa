"""What the documentation says is there: every public name, every region, every fault and every link."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from helpers.doc_pages import DOCS, blocks, pages

import requests_zohorecruit
from requests_zohorecruit import Region, ZohoRecruitAuth
from requests_zohorecruit.sandbox import Sandbox

PUBLIC = [
    f"{module}.{name}"
    for module in (
        "requests_zohorecruit",
        "requests_zohorecruit.stores",
        "requests_zohorecruit.sandbox",
        "requests_zohorecruit.testing",
    )
    for name in importlib.import_module(module).__all__
]
REFERENCE = "\n".join(page.read_text("utf-8") for page in sorted((DOCS / "reference").glob("*.rst")))
DOCUMENTED = re.findall(r"^\.\. (?:auto\w+|py:data):: ([\w.]+)", REFERENCE, re.MULTILINE)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_in_the_reference_once(name):
    # A store of requests_zohorecruit.stores may stand there under its shorter address.
    addresses = {name, f"requests_zohorecruit.{name.rpartition('.')[2]}"}
    assert len([known for known in DOCUMENTED if known in addresses]) == 1


def test_the_fixture_is_in_the_reference():
    assert ".. py:function:: zoho_sandbox" in REFERENCE


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_has_a_docstring(name):
    module, _, attribute = name.rpartition(".")
    if attribute != "__version__":
        assert getattr(importlib.import_module(module), attribute).__doc__


def test_every_page_is_in_a_table_of_contents():
    listed = {"index"}
    for name in pages():
        text = (DOCS / f"{name}.rst").read_text("utf-8")
        for tree in re.findall(r"^\.\. toctree::\n((?: +:[^\n]*\n)*)\n((?: +[^\n]*\n)+)", text, re.MULTILINE):
            folder = name.rpartition("/")[0]
            listed |= {f"{folder}/{entry}".lstrip("/") for entry in tree[1].split()}
    assert listed == set(pages())


def test_the_regions_are_not_written_by_hand():
    assert ".. zoho-regions::" in REFERENCE
    assert not any(region.accounts_url in REFERENCE for region in Region.all())


def test_what_the_sandbox_serves_is_not_written_by_hand():
    page = (DOCS / "reference/sandbox.rst").read_text("utf-8")
    assert ".. zoho-sandbox-modules::" in page
    assert ".. zoho-sandbox-paths::" in page


def test_the_record_is_described_key_by_key():
    from requests_zohorecruit.engine.record import _OWN_KEYS

    shown = re.findall(r"^``(\w+)``  ", (DOCS / "reference/stores.rst").read_text("utf-8"), re.MULTILINE)
    assert sorted(shown) == sorted(_OWN_KEYS)


def test_every_fault_is_in_the_reference_and_no_other():
    from requests_zohorecruit.sandbox.faults import FAULTS

    page = (DOCS / "reference/testing.rst").read_text("utf-8")
    assert re.findall(r"^``([\w-]+)``  ", page, re.MULTILINE) == list(FAULTS)


def test_the_faults_named_on_the_testing_page_exist():
    from requests_zohorecruit.sandbox.faults import FAULTS

    text = (DOCS / "howto/testing.rst").read_text("utf-8")
    named = re.findall(r'fault\("([\w-]+)"', text) + re.findall(r'"([\w-]+)"', re.search(r'"name", \[(.*)\]', text)[1])
    assert set(named) <= set(FAULTS)
    assert len(named) >= 6


def test_the_environments_that_contributors_are_told_of_exist():
    page = " ".join((DOCS.parent / "CONTRIBUTING.rst").read_text("utf-8").split())
    told = {name for names in re.findall(r"tox run -e ([\w,]+)", page) for name in names.split(",")}
    tox = (DOCS.parent / "tox.ini").read_text("utf-8")
    known = set(re.findall(r"^\[testenv:(\w+)\]", tox, re.MULTILINE)) | {"py310", "py311", "py312", "py313"}
    assert len(told) > 8
    assert told <= known
    assert all(
        (DOCS.parent / path).exists() for path in re.findall(r"``(?:[^`]* )?((?:tests|benchmarks)/[\w/.]+)", page)
    )


def test_the_architecture_page_has_the_tree_of_the_package_and_of_its_tests():
    page = (DOCS.parent / "ARCHITECTURE.rst").read_text("utf-8")
    shown = tree(re.search(r"^The folders\n-+\n\n::\n\n((?: .*\n|\n)+)", page, re.MULTILINE)[1])
    package = Path(requests_zohorecruit.__file__).parent
    modules = {path.relative_to(package.parent).as_posix() for path in package.rglob("[a-z]*.py")}
    assert len(modules) > 60
    assert {path for path in shown if re.search(r"/[a-z]\w*\.py$", path)} == modules
    folders = {path for path in shown if path.endswith("/") and not path.startswith("requests_zohorecruit/")}
    tests = {f"tests/{path.name}/" for path in (DOCS.parent / "tests").iterdir() if any(path.glob("*.py"))}
    assert {path for path in folders if path.startswith("tests/")} - {"tests/"} == tests
    assert [path for path in folders if not (DOCS.parent / path).is_dir()] == []


def tree(text):
    """Return the paths of a tree that is drawn by indentation; a line may begin with several names."""
    paths, above = set(), {}
    for line in text.splitlines():
        names = re.match(r"(?:[\w.]+(?:/|\.py)(?: (?=[\w.]+(?:/|\.py))|(?=\s|$)))+", line.strip())
        if names:
            indent = len(line) - len(line.lstrip())
            above = {depth: folder for depth, folder in above.items() if depth < indent}
            found = ["".join(above.values()) + name for name in names[0].split()]
            paths.update(found)
            above[indent] = found[-1].removeprefix("".join(above.values()))
    return paths


def test_each_call_in_the_table_of_scopes_is_opened_by_its_scope_and_by_no_other(monkeypatch):
    table = (DOCS / "howto/api-console.rst").read_text("utf-8").partition(".. _scopes:")[2]
    rows = re.findall(r"^    \* - ``([\w/]+)``.*\n      - ``(Zoho[\w.,]+)``$", table, re.MULTILINE)
    assert len(rows) == 5
    narrow = ("Candidates", "ZohoRecruit.modules.candidates.READ")
    with Sandbox() as zoho:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", zoho.ca_bundle)
        for path, scope in [*rows, narrow]:
            url = f"{zoho.region.recruit_url}/recruit/v2/{path}"
            query = {"word": "Okafor"} if path.endswith("search") else {}
            for asked, expected in ((scope, 200), ("ZohoRecruit.bulk.ALL", 401)):
                token = zoho.new_grant(asked)
                auth = ZohoRecruitAuth(zoho.client_id, zoho.client_secret, region=zoho.region, refresh_token=token)
                answer = requests.get(url, params=query, auth=auth, timeout=30)
                assert answer.status_code == expected, (path, asked, answer.text)


def test_the_page_on_devices_shows_what_the_command_prints():
    from requests_zohorecruit.cli import logins

    url = Region.lookup("eu").accounts_url + "/oauth/v3/device"
    prompt = SimpleNamespace(verification_url=url, user_code="1A2B3C4D")
    [shown] = [block.text for block in blocks(DOCS / "howto/device.rst") if block.language == "text"]
    assert shown.split() == logins._CONFIRM.format(prompt=prompt, minutes=5).split()
