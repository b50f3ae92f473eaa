"""The region as people know it: by code, by country, or by the ending of any address of Zoho's."""

from __future__ import annotations

import json
import os
import re
import sys

import pexpect
import pytest
from hypothesis import given
from hypothesis import strategies as st

from requests_zohorecruit import Region, UnknownRegionError
from requests_zohorecruit.cli.areas import AREAS, list_areas, parse_region

EACH = pytest.mark.parametrize("region", Region.all(), ids=lambda region: region.code)
WIDTHS = pytest.mark.parametrize("columns", [60, 80, 120])
#: What zoho.md's table of wrong hosts has, and others that look like Zoho's.
IMPOSTORS = [
    "recruit.zoho.eu.evil.com", "https://recruit.zoho.eu.evil.com/recruit", "zoho.eu@evil.com",
    "https://recruit.zoho.eu@evil.com/", "https://evil.com@recruit.zoho.eu/", "notzoho.eu", "recruit.notzoho.eu",
    "https://evil.com/recruit.zoho.eu", "https://evil.com?recruit.zoho.eu", "https://evil.com#.zoho.eu",
    "https://evil.com\\.zoho.eu", "https://evil.com\\@zoho.eu", "evil.com recruit.zoho.eu", "zoho.eu%2eevil.com",
    "zoho.eu:8443", "zoho.u\u212a", "zoh\u043e.eu", "zoho\u3002eu", "zoho.eu.", "zoho.eu\x00.evil.com", "ftp://zoho.eu",
    "javascript://zoho.eu/%0aalert(1)", "zoho.ca", "zoho.au", "zoho.cn", "zoho.com.sg", "zoho", "zoho.", "..eu",
    "zohoapis.zoho", "//recruit.zoho.eu",
]  # fmt: skip


@EACH
def test_a_code_is_understood_in_any_case(region):
    for code in (region.code, region.code.upper(), f" {region.code}\n", f'"{region.code}"'):
        assert parse_region(code) is region


@EACH
def test_a_country_is_understood_in_any_case_and_by_its_beginning(region):
    name = AREAS[region.code]
    others = [other for other in AREAS.values() if other != name]
    assert parse_region(name.upper()) is parse_region(f" '{name.lower()}' ") is region
    for length in range(3, len(name)):
        if not any(other.startswith(name[:length]) for other in others):
            assert parse_region(name[:length]) is region


@EACH
def test_any_address_of_a_region_is_understood(region):
    ending = region.accounts_url.removeprefix("https://accounts.")
    forms = [
        ending, f".{ending}", f"recruit.{ending}", f"RECRUIT.{ending.upper()}", f"api-console.{ending}/client/1000",
        f"https://recruit.{ending}/recruit/org60001/EntityInfo.do?id=4&x=https%3A%2F%2Fevil.com#top",
        f"http://recruit.{ending}", f"https://one.{ending}:443/", f"\u201chttps://accounts.{ending}\u201d",
        f"<https://recruit.{ending}>", f"`{ending}`", f"\ufeff{ending}\u200b", f"crm.eu.{ending}",
        f"  {region.upload_url}\t", region.api_domain, region.api_domain.removeprefix("https://www."),
    ]  # fmt: skip
    for form in forms:
        assert parse_region(form) is region, form


@pytest.mark.parametrize(
    ("ending", "code"),
    [(".eu", "eu"), (".com", "us"), (".com.au", "au"), (".com.cn", "cn"), (".ca", "ca"), ("usa", "us")],
)
def test_the_ending_alone_is_understood(ending, code):
    assert parse_region(ending) is Region.lookup(code)


@pytest.mark.parametrize("text", IMPOSTORS)
def test_what_only_looks_like_an_address_of_zohos_is_refused(text):
    with pytest.raises(UnknownRegionError):
        parse_region(text)


ENDINGS = {region.accounts_url.removeprefix("https://accounts."): region for region in Region.all()}
PARTS = st.text("abc019-.", max_size=12)


@given(PARTS, st.sampled_from([*ENDINGS]), PARTS, st.sampled_from("/?#"), st.text())
def test_the_end_of_the_host_decides_and_nothing_else_does(before, ending, after, mark, rest):
    host = f"{before}{ending}{after}"
    right = next((region for known, region in ENDINGS.items() if f".{host}".endswith(f".{known}")), None)
    try:
        found = parse_region(f"https://{host}{mark}{rest}")
    except UnknownRegionError:
        found = None
    # An address with characters that no address has may be refused.
    assert found is right or (found is None and re.search(r"[^!-~]|\\", rest))


@given(st.text() | st.sampled_from(IMPOSTORS))
def test_any_text_is_a_region_of_the_table_or_refused(text):
    try:
        assert parse_region(text) in Region.all()
    except UnknownRegionError as error:
        assert error.message


@pytest.mark.parametrize("text", ["united", "UNITED ", "uni"])
def test_a_beginning_of_several_countries_names_them(text):
    with pytest.raises(UnknownRegionError) as caught:
        parse_region(text)
    assert str(caught.value) == (
        "Several countries begin that way: United States (us), United Kingdom (uk), United Arab Emirates (ae)."
    )


@pytest.mark.parametrize("text", ["", " ", "ch", "u", "de", "mars", "germany", "indian"])
def test_what_is_neither_lists_the_codes(text):
    # "ch" is Switzerland's own code, and must not be taken for the beginning of China.
    with pytest.raises(UnknownRegionError, match="known are us, eu"):
        parse_region(text)


@pytest.mark.parametrize("text", ["1000.0123456789abcdef.0123456789abcdef", "0123456789abcdef0123456789abcdef01234567"])
def test_a_secret_that_was_pasted_is_not_repeated(text):
    with pytest.raises(UnknownRegionError) as caught:
        parse_region(text)
    assert text not in f"{caught.value!r} {caught.value} {caught.value.hint}"


def test_every_region_has_a_name_of_its_own():
    assert list(AREAS) == [region.code for region in Region.all()]
    assert len(set(AREAS.values())) == len(AREAS)
    assert not {name.lower() for name in AREAS.values()} & set(AREAS)


@EACH
def test_the_list_has_code_country_and_address_of_each_region(region):
    line = next(line for line in list_areas().splitlines() if line.split()[0] == region.code)
    assert line.split()[-1] == region.recruit_url.removeprefix("https://")
    assert AREAS[region.code] in line
    assert len(line) <= 60


@EACH
def test_the_table_of_regions_has_the_countries(run, region, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    assert f"\n{region.code}      {AREAS[region.code]} " in run("regions").output
    found = {each["code"]: each["name"] for each in json.loads(run("regions", "--json").output)}
    assert found[region.code] == AREAS[region.code]


@pytest.mark.parametrize("given", ["Australia", "https://recruit.zoho.com.au/recruit/org1/Home.do", ".com.au", "AU"])
def test_the_option_takes_what_the_prompt_takes(run, given):
    result = run("login", "--no-browser", "--client-id", "1000.X", "--region", given, input="a-secret\n")
    assert "https://accounts.zoho.com.au/oauth/v2/auth?" in result.output


@pytest.mark.parametrize("given", ["notzoho.eu", "united", "mars"])
def test_the_option_refuses_what_the_prompt_refuses(run, given):
    result = run("login", "--no-browser", "--client-id", "1000.X", "--region", given, input="a-secret\n")
    assert (result.exit_code, "See `zohorecruit regions`" in result.stderr) == (4, True)


@pytest.mark.parametrize(("shell", "begun", "found"), [("bash", "e", "plain,eu"), ("zsh", "u", "United Kingdom")])
def test_the_codes_are_completed(run, shell, begun, found):
    words = {"_ZOHORECRUIT_COMPLETE": f"{shell}_complete", "COMP_CWORD": "3"}
    told = run(env={**words, "COMP_WORDS": f"zohorecruit login --region {begun}"}).output
    assert found in told.splitlines()


class TestOnATerminal:
    @pytest.fixture
    def ask(self, home, monkeypatch):
        monkeypatch.delenv("COLUMNS", raising=False)
        monkeypatch.setenv("TERM", "xterm")
        children = []

        def spawn(columns):
            command = ["-m", "requests_zohorecruit", "login", "--no-browser", "--client-id", "1000.X"]
            # The environment is given, since readline may have put its own COLUMNS where `os.environ` does not see it.
            child = pexpect.spawn(
                sys.executable, command, env=dict(os.environ), encoding="utf-8", dimensions=(50, columns), timeout=30
            )
            children.append(child)
            child.expect(r"Region \(code, country or address\): ")
            return child

        yield spawn
        for child in children:
            child.close(force=True)

    @WIDTHS
    def test_the_list_is_readable(self, ask, columns):
        lines = ask(columns).before.replace("\r\n", "\n").splitlines()
        assert list_areas() in "\n".join(lines)
        assert " ".join(" ".join(lines[: -len(AREAS)]).split()).endswith(
            "Look at the ending of the address where you use Zoho Recruit:"
        )
        assert max(map(len, lines)) <= columns

    @WIDTHS
    def test_a_look_alike_is_explained_and_asked_again(self, ask, columns):
        child = ask(columns)
        for wrong in ("recruit.zoho.eu.evil.com", "mars", "united"):
            child.sendline(wrong)
            child.expect(r"Region \(code, country or address\): ")
            told = child.before.replace("\r\n", "\n").splitlines()
            assert told[1].startswith("Error: ")
            assert max(map(len, told)) <= columns
            assert not any("Europe" in line for line in told)  # the list is not repeated
        child.sendline(' "https://recruit.zoho.eu/recruit/org1/Home.do"')
        child.expect(r"\(hidden\): ")
        child.sendline("a-secret")
        child.expect(r"https://accounts\.zoho\.eu/oauth/v2/auth")
