"""Every command in a person's shell: no secret on the screen, in pipes, in `ps`, in the history or in any other file."""

from __future__ import annotations

import json
import re
import sys

import pytest
from helpers.commands import find_commands
from helpers.database_servers import free_port
from helpers.shell_sessions import PROMPT, Session, files, watching_processes
from helpers.terminals import CTRL_C, press_ctrl_c

PROFILE = "--profile work"
#: What is typed as it is, on the terminal and into a pipe, with `--debug` and without.
LINES = (
    f"status {PROFILE} --json",
    f"status {PROFILE} --check",
    f"get Candidates {PROFILE} --all --csv -o candidates.csv",
    f"get No_Such_Module {PROFILE}",
    f"get https://localhost/recruit/v2/Candidates {PROFILE}",
    f"api POST Candidates/410888000000117001/Attachments {PROFILE} -F candidates.csv",
    f"refresh {PROFILE}",
    "completion bash --print",
    f"header {PROFILE} --env",
    "profiles --json",
    "profiles default work",
    "regions",
    "get Candidates --env -q per_page=1",
)
#: Tested with what they show elsewhere: they serve and tell, and take no secret of a person's.
ELSEWHERE = {"sandbox", "demo"}
FAULTS = ("throttle", "garbage", "redirect", "truncated", "not-utf8")


@pytest.fixture
def shell(zoho, tmp_path, monkeypatch):
    """A person's shell, in whose environment a client, a grant and a proxy's password are."""
    home, temporary = tmp_path / "person", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    session = Session(
        home,
        ZOHORECRUIT_HOME=str(tmp_path / "home"),
        REQUESTS_CA_BUNDLE=zoho.ca_bundle,
        ZOHORECRUIT_CLIENT_ID=zoho.client_id,
        ZOHORECRUIT_CLIENT_SECRET=zoho.client_secret,
        ZOHORECRUIT_REFRESH_TOKEN=zoho.refresh_token,
        ZOHORECRUIT_REGION=zoho.region.code,
        ZOHORECRUIT_ACCOUNTS_URL=zoho.region.accounts_url,
        ZOHORECRUIT_RECRUIT_URL=zoho.region.recruit_url,
        A_PROXY=f"http://person:planted-proxy-password@127.0.0.1:{free_port()}",
    )
    session.type(f'cd; zohorecruit() {{ {sys.executable} -m requests_zohorecruit "$@"; }}')
    yield session
    session.shell.close(force=True)


class Story:
    """What is done in the shell, and the secrets that were about."""

    def __init__(self, zoho, shell, home, port):
        self.zoho, self.shell, self.home, self.port = zoho, shell, home, port
        self.secrets = {zoho.client_secret, zoho.refresh_token, "planted-proxy-password"}

    def type(self, line, *answers):
        """Type a command, and what it asks for: pairs of what is waited for and what is typed then."""
        until = [re.escape(until) for until, _ in answers] + [re.escape(PROMPT)]
        shown = self.shell.type(f"zohorecruit {line}", re.compile(until[0]))
        for (_, typed), following in zip(answers, until[1:], strict=True):
            if typed == CTRL_C:
                press_ctrl_c(self.shell.shell)
            else:
                self.shell.shell.sendline(typed)
            self.shell.shell.expect(following)
            shown += self.shell.shell.before
        self.note_tokens()
        return shown

    def note_tokens(self):
        for path in self.home.glob("*/*.json"):
            record = json.loads(path.read_text("utf-8"))
            self.secrets |= {
                record[name] for name in ("access_token", "refresh_token", "client_secret") if record.get(name)
            }

    def make_redirect(self, *_):
        """Press Accept at the address on the screen, and return where the browser ends."""
        address = re.findall(r"(https://\S+/oauth/v2/auth\S+)", self.shell.shown.getvalue())[-1]
        redirect = self.zoho.consent(address)
        self.secrets.add(re.search("code=([^&]+)", redirect)[1])
        return redirect

    def make_code(self):
        code = self.zoho.new_code()
        self.secrets.add(code)
        return code

    def log_in(self):
        where = f"{PROFILE} --port {self.port}"
        self.type(f"login {where} --timeout 60", ("press Accept,", CTRL_C))
        self.shell.type(f"zohorecruit login {where} --no-browser", "(hidden):")
        self.shell.type("not an address", "(hidden):")
        redirect = self.make_redirect()
        self.shell.type(redirect.partition("&")[0], "(hidden):")
        assert "Logged in" in self.shell.type(redirect)
        self.note_tokens()
        self.shell.type(f"zohorecruit login {where}", "press Accept,")
        assert "Logged in" in self.shell.type(self.make_redirect())
        self.note_tokens()
        self.shell.type("unset ZOHORECRUIT_CLIENT_SECRET")
        self.type(f"login {where} --new-secret", ("(hidden):", "wrong secret"), ("(hidden):", CTRL_C))
        self.type(
            f"login --client-credentials {PROFILE} --soid {self.zoho.soid} --new-secret",
            ("(hidden):", self.make_code()),
        )
        self.type(f"login --device {PROFILE}", ("Waiting", CTRL_C))
        self.type(f"exchange {PROFILE}", ("(hidden):", CTRL_C))
        self.type(f"exchange {PROFILE}", ("(hidden):", code := self.make_code()))
        self.type(f"--debug exchange {PROFILE}", ("(hidden):", code))
        assert "Logged in" in self.type(f"exchange {PROFILE}", ("(hidden):", self.make_code()))

    def use_on_the_terminal(self):
        for line in LINES:
            self.type(line)
        assert "Authorization" not in self.type(f"header {PROFILE}")

    def use_in_a_pipe(self):
        for line in LINES:
            self.type(f"--debug {line} 2>&1 | cat")
        assert "Zoho-oauthtoken" not in self.type(f"header {PROFILE} | cut -c -14")

    def meet_faults(self):
        self.zoho.fault("hang")
        self.type(f"login {PROFILE} --client-credentials --soid {self.zoho.soid} --replace", ("Fetching", CTRL_C))
        self.type(f"--debug status {PROFILE} --check 2>&1 | cat")
        for fault in FAULTS:
            self.zoho.fault(fault)
            self.type(f"--debug get Candidates --env{' 2>&1 | cat' if len(fault) % 2 else ''}")
        self.shell.type("export HTTPS_PROXY=$A_PROXY")
        for line in (
            f"--debug status {PROFILE} --check",
            f"--debug exchange {PROFILE} 2>&1 < /dev/null | cat",
            "--debug get x --env",
        ):
            self.type(line)
        self.type(f"--debug revoke {PROFILE} --yes")
        self.shell.type("unset HTTPS_PROXY")

    def log_out(self):
        self.type(f"revoke {PROFILE}", ("[y/N]:", CTRL_C))
        self.type(f"--debug revoke {PROFILE}", ("[y/N]:", "y"))
        self.type(f"--debug logout {PROFILE}", ("[y/N]:", "n"))
        assert "is removed" in self.type("logout --all --yes")


PARTS = {
    "log_in": {"login", "exchange"},
    "use_on_the_terminal": {*(line.split()[0] for line in LINES), "header"},
    "use_in_a_pipe": {*(line.split()[0] for line in LINES), "header"},
    "meet_faults": {"login", "status", "get", "exchange", "revoke"},
    "log_out": {"revoke", "logout"},
}


def test_no_command_is_forgotten():
    assert set.union(*PARTS.values()) == {command[0] for command in find_commands()} - ELSEWHERE


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.thorough(one_in=5)
def test_T51_T60_no_secret_is_seen_or_left_whatever_is_typed(shell, zoho, granted, home, tmp_path, port, part):
    granted("work", refresh_token=zoho.new_grant())
    story = Story(zoho, shell, home, port)
    with watching_processes() as processes:
        getattr(story, part)()
        shell.leave()
    history = (tmp_path / "person/.bash_history").read_text("utf-8")
    assert PARTS[part] <= set(history.split())
    assert any("requests_zohorecruit\0" in line for line in processes)
    left = files(tmp_path)
    for secret in story.secrets:
        assert secret not in shell.shown.getvalue()
        assert secret not in "\n".join(processes)
        kept = {path for path, content in left.items() if secret in content}
        assert kept <= (set() if part == "log_out" else {"home/work/application.json", "home/work/token.json"})
    assert list((tmp_path / "tmp").iterdir()) == []
