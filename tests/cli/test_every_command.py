"""Every command: on terminals of 60, 80 and 120 columns, in a pipe, with --json, and with every fault it can meet.

A command that is not in the tables here makes a test fail, so that none is forgotten. The demo's own test runs it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import NamedTuple

import certifi
import pexpect
import pytest
from helpers.command_checks import check_lines, check_remedies
from helpers.commands import find_commands
from helpers.database_servers import free_port
from helpers.terminals import CTRL_C, press_ctrl_c, strip_styles

from requests_zohorecruit.auth.zoho_recruit_auth import ZohoRecruitAuth
from requests_zohorecruit.login.profiles import Profile
from requests_zohorecruit.sandbox import Sandbox
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.token import Token
from requests_zohorecruit.zoho.token_endpoint import TokenEndpoint

WIDTHS = (60, 80, 120)
#: A name that leaves little room for anything else, and breaks at hyphens if anything does.
NAME = "import-of-candidates-from-the-careers-site"


class Use(NamedTuple):
    """How a command is called.

    :ivar line: what is typed, with ``{}`` for what the sandbox gives
    :ivar typed: what the person answers, by what they are asked
    :ivar code: the exit code on a terminal
    :ivar piped: the exit code in a pipe, where no question can be answered
    """

    line: str
    typed: tuple[tuple[str, str], ...] = ()
    code: int = 0
    piped: int = 0


#: One use of each command that asks for what it can.
USES = {
    ("login",): Use("login --profile {name} --new-secret --port {port}", (("hidden", "{secret}\r"), ("Accept", CTRL_C)), 130, 4),
    ("exchange",): Use("exchange --profile {name}", (("hidden", "{code}\r"),), 0, 4),
    ("status",): Use("status --profile {name} --check"),
    ("get",): Use("get Candidates --profile {name} -q per_page=2"),
    ("api",): Use("api POST Candidates --profile {name} -d {{}}", (), 1, 1),
    ("header",): Use("header --profile {name}", (), 2, 0),
    ("refresh",): Use("refresh --profile {name}"),
    ("revoke",): Use("revoke --profile {name}", (("y/N", "y\r"),), 0, 2),
    ("logout",): Use("logout --all", (("y/N", "y\r"),), 7, 2),  # one profile is damaged
    ("profiles",): Use("profiles"),
    ("profiles", "list"): Use("profiles list"),
    ("profiles", "default"): Use("profiles default {name}"),
    ("profiles", "rename"): Use("profiles rename {name} work-{name}"),
    ("regions",): Use("regions"),
    ("completion",): Use("completion bash --print"),
    ("sandbox",): Use("sandbox", (("from_profile", CTRL_C),)),
}  # fmt: skip
#: Commands that other tests run, and where.
ELSEWHERE = {("demo",): "test_demo"}
#: What a person types wrongly, and commands that end in an error for another reason.
ERRORS = {
    "{} --no-such-option-as-this-one-which-is-as-long-as-a-line-on-a-narrow-terminal": 2,
    "get Candidates --profile a-profile-that-was-never-saved-by-anything-or-anyone-here": 3,
    "get Candidates --profile x --env": 2,
    "get https://accounts.example.org/recruit/v2/Candidates --profile {name}": 4,
    "get No_Such_Module_In_Zoho_Recruit --profile {name}": 1,
    "get Candidates -q what": 2,
    "api POST Candidates -d {{": 2,
    "api POST Candidates -d @no-such-file-in-any-directory-that-a-person-has-here.json": 2,
    "api FETCH Candidates": 2,
    "login --device --port 8400": 2,
    "login --profile =": 2,
    "login --client-credentials --soid wrong --profile {name}": 4,
    "profiles default a-profile-that-was-never-saved-by-anything": 2,
    "profiles rename {name} =": 2,
    "status --profile damaged": 7,
}


@pytest.fixture(scope="module")
def shared_zoho():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def saved(shared_zoho, monkeypatch, home):
    """A sandbox's client in the environment, a profile with a grant of its own, and one that is damaged."""
    zoho, profile = shared_zoho, Profile(NAME)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", zoho.ca_bundle)
    application = Application.create(zoho.client_id, zoho.client_secret, zoho.region)
    scope = ("ZohoRecruit.modules.ALL", "ZohoRecruit.settings.ALL")
    profile.save(application, Token("1000.unknown.token", zoho.new_grant(), 0.0, scope=scope), now=0.0)
    Profile("damaged").directory.mkdir()
    (Profile("damaged").directory / "application.json").write_text("}{")
    yield profile
    zoho.reject_all = False


def fill(text, zoho, port):
    return text.format(
        "status", name=NAME, secret=zoho.client_secret, port=port, code=zoho.new_code() if "{code}" in text else ""
    )


@pytest.fixture
def screen(shared_zoho, saved, port):
    """Return a function that types a command on a terminal, and gives the screen and the exit code."""

    def run(use, columns):
        env = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "NO_COLOR", "BROWSER"}}
        arguments = ["-m", "requests_zohorecruit", *fill(use.line, shared_zoho, port).split()]
        child = pexpect.spawn(
            sys.executable, arguments, env={**env, "TERM": "xterm"}, encoding="utf-8", dimensions=(50, columns), timeout=60
        )  # fmt: skip
        shown = ""
        for until, typed in use.typed:
            child.expect(until)
            shown += child.before + child.after
            if typed == CTRL_C:
                press_ctrl_c(child)
            else:
                child.send(fill(typed, shared_zoho, port))
        shown += child.read()
        child.wait()
        code = child.exitstatus if child.exitstatus is not None else -child.signalstatus
        # What is overwritten, as a spinner is, is not on the screen any more.
        lines = strip_styles(shown).replace("\r\n", "\n").split("\n")
        return "\n".join(line.rpartition("\r")[2] for line in lines), code

    return run


@pytest.fixture
def at_width(run, monkeypatch):
    """Return a function that runs a command here, as on a terminal of some columns."""

    def invoke(line, columns):
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("FORCE_COLOR", "1")  # which makes rich take a pipe for a terminal
        result = run(*line.split(), terminal_width=min(columns, 80) - 2)
        return strip_styles(result.stdout + result.stderr), result.exit_code

    return invoke


def test_no_command_is_forgotten():
    assert set(find_commands()) == USES.keys() | ELSEWHERE.keys()
    assert {command[0] for command in FAULTY} | WITHOUT_A_TOKEN == {command[0] for command in find_commands()}


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("command", USES, ids=" ".join)
@pytest.mark.thorough(one_in=3)
def test_on_a_terminal(screen, command, columns):
    shown, code = screen(USES[command], columns)
    assert code == USES[command].code, shown
    check_lines(shown, columns)
    check_remedies(shown)
    if NAME in USES[command].line and command[0] in {"revoke", "profiles"}:
        assert NAME in shown  # in one piece


@pytest.mark.parametrize("command", [each for each in USES if each != ("sandbox",)], ids=" ".join)
def test_in_a_pipe(run, shared_zoho, saved, port, command):
    use = USES[command]
    result = run(*fill(use.line, shared_zoho, port).split())
    assert result.exit_code == use.piped, result.output
    assert "\x1b" not in result.output
    check_lines(result.output, 10**6)  # an answer is printed as it came
    check_remedies(result.output)
    assert (result.stderr == "") == (use.piped == 0)


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("command", find_commands(), ids=" ".join)
def test_the_help_of_each(at_width, run, command, columns):
    shown, code = at_width(f"{' '.join(command)} --help", columns)
    assert code == 0
    assert max(map(len, shown.splitlines())) <= columns
    wide = run(*command, "--help", terminal_width=500).stdout
    assert shown.split() == wide.split()  # no word is broken


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("line", ERRORS)
def test_errors(at_width, shared_zoho, saved, port, line, columns):
    line = fill(line, shared_zoho, port)
    shown, code = at_width(line, columns)
    assert code == next(code for each, code in ERRORS.items() if fill(each, shared_zoho, port) == line), shown
    check_lines(shown, columns)
    check_remedies(shown)


@pytest.mark.parametrize(
    "command", [names for names, each in find_commands().items() if "as_json" in {p.name for p in each.params}]
)
@pytest.mark.parametrize("state", ["granted", "empty", "damaged", "refused"])
def test_json_is_all_there_is(run, shared_zoho, saved, command, state, monkeypatch, home):
    if state == "empty":
        monkeypatch.setenv("ZOHORECRUIT_HOME", str(home / "nowhere"))
    shared_zoho.reject_all = state == "refused"
    name = "damaged" if state == "damaged" else NAME
    options = ["--check", "--profile", name] if command == ("status",) else []
    result = run(*command, "--json", *options)
    code = {"empty": 3, "damaged": 7, "refused": 4}.get(state, 0) if options else 0
    assert result.exit_code == code, result.output
    if code in {3, 7}:
        assert result.stdout == ""
    else:
        json.loads(result.stdout)


@pytest.mark.parametrize(
    "command", sorted(USES.keys() - {("logout",), ("regions",), ("completion",), ("sandbox",)}), ids=" ".join
)
def test_where_profiles_are_to_be_in_a_file(run, shared_zoho, saved, port, command, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("ZOHORECRUIT_HOME", str(tmp_path / "file"))
    result = run(*fill(USES[command].line, shared_zoho, port).split())
    assert result.exit_code == 7, result.output
    assert "A part of its path is a file" in result.stderr


#: Commands that need a token; what a fault of the token endpoint means to them is below.
FAULTY = {
    ("status",): "status --check --profile {name}",
    ("get",): "get Candidates --profile {name}",
    ("api",): 'api POST Candidates -d {{"data":[{{"Last_Name":"Nowak"}}]}} --profile {name}',
    ("header",): "header --profile {name}",
    ("refresh",): "refresh --profile {name}",
    ("exchange",): "exchange --profile {name}",
    ("login",): "login --client-credentials --profile new",
}
#: Commands that mint nothing; `logout` and `revoke` end a grant as it is.
WITHOUT_A_TOKEN = {"logout", "revoke", "profiles", "regions", "completion", "sandbox", "demo"}
THROTTLED = {"throttle", "throttle-200", "throttle-localised"}
UNINTELLIGIBLE = {
    "server-error", "html", "hang", "redirect", "garbage", "reset", "list", "null-access-token", "truncated", "mint-then-reset",
    "not-utf8", "huge",
}  # fmt: skip
HARMLESS = {
    "null-refresh-token", "milliseconds", "milliseconds-and-seconds", "no-expiry", "foreign-scope", "empty-strings", "numbers-as-strings",
}  # fmt: skip


def test_no_fault_is_forgotten():
    assert set(Sandbox.FAULTS) == THROTTLED | UNINTELLIGIBLE | HARMLESS


def check_told(stderr):
    """Check that an error says what happened, and then what to do."""
    message, *remedy = stderr.partition("Error: ")[2].splitlines()
    assert message.endswith(".") or "Zoho says: " in message, stderr
    assert all(remedy), stderr
    assert remedy or "ry again" in message, stderr
    check_remedies(stderr)


@pytest.mark.parametrize(
    ("fault", "debug"), [(fault, False) for fault in Sandbox.FAULTS] + [("throttle", True), ("garbage", True)]
)
@pytest.mark.parametrize("command", FAULTY, ids=" ".join)
@pytest.mark.thorough(one_in=4)
def test_every_fault_of_the_token_endpoint(run, shared_zoho, saved, port, monkeypatch, command, fault, debug):
    zoho = shared_zoho
    for function in (ZohoRecruitAuth.__init__.__wrapped__, TokenEndpoint.__init__):
        monkeypatch.setitem(function.__kwdefaults__, "timeout", (5, 0.2 if fault == "hang" else 30))
    if command == ("login",):
        client = zoho.new_client()  # a new one each time, because Zoho counts its mints
        for name, value in {
            "CLIENT_ID": client.client_id,
            "CLIENT_SECRET": client.client_secret,
            "REGION": "sandbox",
        }.items():
            monkeypatch.setenv(f"ZOHORECRUIT_{name}", value)
        for name in ("accounts_url", "recruit_url"):
            monkeypatch.setenv(f"ZOHORECRUIT_{name.upper()}", getattr(zoho.region, name))
    line = fill(FAULTY[command], zoho, port).split() + (["--soid", zoho.soid] if command == ("login",) else [])
    zoho.fault(fault)
    result = run(*["--debug"] * debug, *line, input=f"{zoho.new_code()}\n" if command == ("exchange",) else "")
    expected = 5 if fault in THROTTLED else 6 if fault in UNINTELLIGIBLE else 0
    if command == ("exchange",) and fault in {"null-refresh-token", "empty-strings"}:
        expected = 3
    assert result.exit_code == expected, result.output
    check_remedies(result.output)
    if expected:
        check_told(result.stderr)
    assert ("Traceback" in result.output) == (debug and expected != 0)
    assert zoho.client_secret not in result.output


def kill_grant(zoho, saved, monkeypatch):
    store = saved.load().store
    store.save({**store.load(), "refresh_token": "1000.no.longer"})


def lose_client(zoho, saved, monkeypatch):
    change_application("client_id", "1000.UNKNOWN")(zoho, saved, monkeypatch)
    store = saved.load().store
    store.save({**store.load(), "client_id": "1000.UNKNOWN"})


def lose_scope(zoho, saved, monkeypatch):
    store = saved.load().store
    store.save({**store.load(), "refresh_token": zoho.new_grant("ZohoRecruit.users.READ")})


def change_application(name, value):
    def change(zoho, saved, monkeypatch):
        path = saved.directory / "application.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))

    return change


def refuse_tokens(zoho, saved, monkeypatch):
    zoho.reject_all = True


def lose_network(zoho, saved, monkeypatch):
    url = f"https://127.0.0.1:{free_port()}"
    for name in ("accounts_url", "recruit_url", "upload_url", "api_domain"):
        change_application(name, url)(zoho, saved, monkeypatch)


def lose_certificate(zoho, saved, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/certificate.pem")


def change_certificate(zoho, saved, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())


def damage_record(zoho, saved, monkeypatch):
    (saved.directory / "token.json").write_text("}{")


def use_up_budget(zoho, saved, monkeypatch):
    store = saved.load().store
    store.save({**store.load(), "mint_times": [time.time()] * 10})


CALLING = {name: line for name, line in FAULTY.items() if "--profile {name}" in line and name != ("exchange",)}
ONLY_CALLS = dict.fromkeys(("header", "refresh", "revoke"), 0)
#: What is wrong -> how it comes about, the exit code, and that of commands to which it means something else.
CAUSES = {
    "a dead grant": (kill_grant, 3, {"revoke": 0}),
    "a grant without the scope": (lose_scope, 8, ONLY_CALLS | {"status": 0}),
    "another secret": (change_application("client_secret", "another"), 4, {"revoke": 0}),
    "an unknown client": (lose_client, 4, {"revoke": 0}),
    "another client's record": (change_application("client_id", "1000.UNKNOWN"), 7, {}),
    "refused tokens": (refuse_tokens, 4, ONLY_CALLS),
    "no network": (lose_network, 6, {}),
    "no certificate": (lose_certificate, 6, {}),
    "another certificate": (change_certificate, 6, {}),
    "a damaged record": (damage_record, 7, {}),
    "ten mints": (use_up_budget, 5, {"revoke": 0}),
}


@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize("command", [*CALLING, ("revoke",), ("logout",)], ids=" ".join)
@pytest.mark.thorough(one_in=3)
def test_every_other_cause(run, shared_zoho, saved, port, monkeypatch, command, cause):
    bring_about, code, others = CAUSES[cause]
    # A logout revokes too. It removes the secrets in any case, and its exit code says whether the grant has ended.
    code = others.get("revoke" if command == ("logout",) else command[0], code)
    bring_about(shared_zoho, saved, monkeypatch)
    line = CALLING.get(command, f"{command[0]} --yes --profile {NAME}")
    result = run(*fill(line, shared_zoho, port).split(), input="")
    assert result.exit_code == code, result.output
    if code:
        check_told(result.stderr)
