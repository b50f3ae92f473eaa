"""The documentation builds without a warning, and its pages lead nowhere that is not there and load nothing from afar."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click
import pytest
from helpers.commands import find_commands
from helpers.doc_pages import DOCS, pages

from requests_zohorecruit.cli.app import _EXAMPLES, app


class Page(HTMLParser):
    """The links, anchors and loaded resources of a page."""

    def __init__(self, path):
        super().__init__()
        self.anchors, self.links, self.loaded = set(), [], []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if given.get("id"):
            self.anchors.add(given["id"])
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if given.get("src"):
            self.loaded.append(given["src"])
        if tag == "link" and given.get("rel") in {"stylesheet", "icon", "preload"}:
            self.loaded.append(given["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    built = tmp_path_factory.mktemp("html")
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-n",
        "-b",
        "html",
        "-d",
        str(built / "tree"),
    ]
    done = subprocess.run([*command, str(DOCS), str(built / "site")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return built / "site"


@pytest.fixture(scope="module")
def built(site):
    return {path: Page(path) for path in sorted(site.rglob("*.html"))}


def test_every_page_is_built(site):
    assert all((site / f"{name}.html").exists() for name in pages())


def test_links_within_the_documentation_lead_somewhere(site, built):
    broken = []
    for path, page in built.items():
        for link in page.links:
            url = urlsplit(link)
            target = Path(path.parent, unquote(url.path)).resolve() if url.path else path
            if url.scheme:
                continue
            if not target.exists() or (url.fragment and url.fragment not in built[target].anchors | {""}):
                broken.append((path.relative_to(site), link))
    assert broken == []


def test_links_to_elsewhere_are_safe_and_few(built):
    outside = {link for page in built.values() for link in page.links if urlsplit(link).scheme}
    assert {urlsplit(link).scheme for link in outside} <= {"https", "mailto"}
    hosts = {urlsplit(link).hostname or "" for link in outside}
    known = (
        "zoho.com",
        "readthedocs.io",
        "sphinx-doc.org",
        "pradyunsg.me",
        "github.com",
        "rfc-editor.org",
        "python.org",
    )
    assert {host for host in hosts if not host.endswith(known)} == set()


def test_nothing_is_loaded_from_another_host(built):
    assert [resource for page in built.values() for resource in page.loaded if urlsplit(resource).netloc] == []


def test_the_region_table_has_every_region(site):
    from requests_zohorecruit import Region

    text = (site / "reference/regions.html").read_text("utf-8")
    for region in Region.all():
        for url in (region.accounts_url, region.recruit_url, region.upload_url, region.api_domain):
            assert f">{url.removeprefix('https://')}<" in text


def test_the_command_line_is_there_with_every_command_and_option(site, built):
    page = built[site / "reference/cli.html"]
    wanted = {f"zohorecruit-{'-'.join(names)}" for names in find_commands()}
    for names, command in {(): app, **find_commands()}.items():
        options = [each for each in command.params if isinstance(each, click.Option)]
        spellings = [spelling.lstrip("-") for each in options for spelling in (*each.opts, *each.secondary_opts)]
        wanted |= {"-".join(["cmdoption", "zohorecruit", *names, spelling]) for spelling in spellings}
    assert len(wanted) > 80
    assert sorted(wanted - page.anchors) == []


def test_the_help_of_commands_is_shown_with_its_examples_and_nothing_spoilt(site):
    text = re.sub("<[^>]+>", "", (site / "reference/cli.html").read_text("utf-8"))
    assert "\N{EN DASH}" not in text  # two hyphens that became a dash
    for examples in _EXAMPLES.values():
        assert all(html.escape(example, quote=False) in text for example in examples), examples


#: What a newcomer types into the search field, and the page that should be among what is found.
SEARCHES = {
    "401": "explanation/request",
    "429": "howto/recipes/retries",
    "rate limit": "howto/troubleshooting",
    "airflow": "howto/recipes/airflow",
    "airbyte": "howto/recipes/airbyte",
    "pagination": "howto/recipes/paging",
    "async": "howto/other-clients",
    "httpx": "howto/other-clients",
    "docker": "howto/recipes/containers",
    "kubernetes": "howto/recipes/containers",
    "lambda": "howto/recipes/aws-lambda",
    "logout": "howto/recipes/logout",
    "multiple accounts": "howto/accounts",
    "multi-dc": "howto/web-application",
    "invalid_token": "howto/troubleshooting",
    "all candidates": "howto/recipes/paging",
    "celery workers": "howto/recipes/django-celery",
    "docker browser": "howto/recipes/containers",
    "leaked secret": "howto/recipes/logout",
    "revoke": "howto/recipes/logout",
    "too many requests continuously": "howto/troubleshooting",
    "upload cv": "howto/recipes/files",
    "where tokens stored": "explanation/secrets",
    "which scopes": "howto/api-console",
}


#: The search leaves these out, as too common.
TOO_COMMON = {"all", "for", "many", "too", "where", "which"}


@pytest.mark.parametrize("words", SEARCHES)
@pytest.mark.thorough(one_in=3)
def test_the_search_finds_what_a_newcomer_types(site, words):
    """As the search does: an entry of the index; or a page that has every word, or words that begin with it."""
    index = json.loads((site / "searchindex.js").read_text("utf-8").removeprefix("Search.setIndex(").removesuffix(")"))
    entered = {index["docnames"][entry[0]] for entry in index["indexentries"].get(words, [])}
    pages = []
    for word in set(words.split()) - TOO_COMMON:
        found = [
            numbers if isinstance(numbers, list) else [numbers]
            for table in (index["terms"], index["titleterms"])
            for term, numbers in table.items()
            if term.startswith(word[:5])
        ]
        pages.append({index["docnames"][number] for numbers in found for number in numbers})
    assert SEARCHES[words] in entered | set.intersection(*pages)
