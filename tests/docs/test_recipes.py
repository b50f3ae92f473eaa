"""What recipes say beyond their examples: what happens when a token is rejected, and why a recipe is as it is."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest
import yaml
from helpers.doc_pages import DOCS, blocks
from helpers.doc_preambles import Stage, sandboxed
from helpers.tried_packages import TRIED

from requests_zohorecruit import FileStore, ZohoRecruitAuth

FOLDER = DOCS / "howto/recipes"
INDEX = (FOLDER / "index.rst").read_text("utf-8")
#: A PDF, as far as its length and odd bytes matter here.
CV = b"%PDF-1.7 \r\n--\r\n" + bytes(range(256)) * 500


def examples(page):
    return [block.text for block in blocks(FOLDER / f"{page}.rst") if block.language == "python"]


@pytest.fixture
def stage(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    Path("cv.pdf").write_bytes(CV)
    stage = Stage(monkeypatch=monkeypatch, names={})
    with contextlib.contextmanager(sandboxed)(stage):
        yield stage


def run(stage, page, *numbers):
    for number in numbers:
        exec(compile(examples(page)[number], f"docs/howto/recipes/{page}.rst", "exec"), stage.names)


def downloaded(names):
    [newest] = [names["answer"].json()["data"][0]["details"]["id"]]
    return names["api"].get(f"{names['attachments']}/{newest}").content


def test_an_upload_whose_token_is_rejected_is_sent_again_whole(stage):
    run(stage, "files", 0)
    stage.zoho.reject_tokens()
    run(stage, "files", 1)
    assert [each.status_code for each in stage.names["answer"].history] == [401]
    assert downloaded(stage.names) == CV
    assert stage.zoho.token_requests == 2


def test_a_download_whose_token_is_rejected_is_whole(stage):
    run(stage, "files", 0, 1)
    stage.zoho.reject_tokens()
    run(stage, "files", 2)
    assert Path("copy.pdf").read_bytes() == CV


def test_an_encoder_whose_token_is_rejected_gives_the_401_and_a_second_one_arrives_whole(stage):
    run(stage, "files", 0)
    calls, post = [], stage.names["api"].post
    stage.monkeypatch.setattr(stage.names["api"], "post", lambda *a, **kw: calls.append(post(*a, **kw)) or calls[-1])
    stage.zoho.reject_tokens()
    run(stage, "files", 3)
    assert [each.status_code for each in calls] == [401, 200]
    assert downloaded(stage.names) == CV
    assert stage.zoho.token_requests == 2


def test_a_token_that_is_rejected_between_two_pages_costs_no_record(stage):
    run(stage, "paging", 0)
    found = stage.names["records"]("Candidates", per_page=5)
    first = next(found)
    stage.zoho.reject_tokens()
    ids = {each["id"] for each in (first, *found)}
    assert len(ids) == 12
    assert stage.zoho.token_requests == 2


def test_a_module_without_records_is_an_empty_list(stage):
    run(stage, "paging", 0)
    [everyone] = [",".join(each["id"] for each in stage.names["records"]("Candidates"))]
    stage.names["api"].delete(f"{stage.names['base']}/Candidates", params={"ids": everyone}).raise_for_status()
    assert list(stage.names["records"]("Candidates")) == []


def test_the_retry_adapter_leaves_401_to_the_library(stage):
    run(stage, "retries", 0)
    stage.zoho.reject_tokens()
    answer = stage.names["api"].get(f"{stage.names['auth'].region.recruit_url}/recruit/v2/Candidates", timeout=30)
    assert [answer.status_code, *(each.status_code for each in answer.history)] == [200, 401]
    assert (stage.zoho.token_requests, stage.zoho.api_requests) == (2, 3)


@pytest.mark.parametrize(
    ("method", "status", "again"),
    [("GET", 429, True), ("GET", 503, True), ("GET", 401, False), ("POST", 429, False), ("POST", 503, False)],
)
@pytest.mark.parametrize("retry_after", [True, False])
def test_429_and_503_are_tried_again_for_reading_calls_only(stage, method, status, again, retry_after):
    run(stage, "retries", 0)
    assert bool(stage.names["retry"].is_retry(method, status, retry_after)) is again


@pytest.mark.parametrize(("names", "calls"), [(("acme", "globex"), 2), (("both", "both"), 1)])
def test_two_accounts_with_a_cache_each_ask_for_themselves_and_with_one_cache_they_share(stage, names, calls):
    run(stage, "requests-cache", 0)
    for number, name in enumerate(names):
        auth = ZohoRecruitAuth.from_env(store=FileStore(f"{number}.json"))
        with stage.names["cached_session"](name, auth) as api:
            assert api.get(f"{auth.region.recruit_url}/recruit/v2/Candidates").ok
    assert stage.zoho.api_requests == calls


def test_settings_of_containers_and_jobs_are_yaml_and_name_variables_that_are_read():
    found = [block.text for page in ("containers", "github-actions") for block in blocks(FOLDER / f"{page}.rst")]
    documents = [text for text in found if "ZOHORECRUIT_" in text]
    assert len(documents) == 3
    assert all(isinstance(yaml.safe_load(text), dict) for text in documents)
    known = (DOCS / "howto/environment.rst").read_text("utf-8")
    named = {name.removesuffix("_FILE") for text in documents for name in re.findall(r"ZOHORECRUIT_\w+", text)}
    assert len(named) == 4
    assert [name for name in named if f"``{name}``" not in known] == []


def test_each_recipe_is_in_the_table_with_packages_that_are_tried():
    listed = dict(re.findall(r"^    \* - :doc:`([\w-]+)`\n      - (.+)$", INDEX, re.MULTILINE))
    assert set(listed) == {path.stem for path in FOLDER.glob("*.rst")} - {"index"}
    named = {package for packages in listed.values() for package in packages.split(", ")}
    assert named <= {row.package for rows in TRIED.values() for row in rows}
    in_list = {row.page: row.package for rows in TRIED.values() for row in rows if "/recipes/" in row.page}
    assert [page for page, package in in_list.items() if package not in listed[page.rpartition("/")[2]]] == []
