"""`api`, and `get`, its short form: any call to Zoho Recruit, and what becomes of the answer."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
import signal
import subprocess
import sys
import time

import click
import pytest
import requests
import responses
from click.testing import CliRunner
from helpers.terminals import run_on_terminal, strip_styles
from rich.console import Console

from requests_zohorecruit.cli.app import app
from requests_zohorecruit.login.profiles import Profile
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.token import Token

CANDIDATES = "https://recruit.zoho.eu/recruit/v2/Candidates"
NEW = json.dumps({"data": [{"Last_Name": "Núñez", "Email": "n@example.com"}]})


@pytest.fixture
def eu():
    """A profile at the real Zoho's address, with a live token; nothing is sent but to `responses`."""
    who = Application.create("1000.CLIENT", "planted-secret", "eu")
    Profile().save(who, Token("1000.planted.a", "1000.planted.b", time.time() + 3600), now=time.time())
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def listed(mock, *records, **info):
    mock.get(CANDIDATES, json={"data": list(records), "info": info})


@pytest.fixture
def candidate(run, granted):
    """The id of a new candidate in the sandbox."""
    granted()
    answer = json.loads(run("api", "POST", "Candidates", "-d", NEW).stdout)
    return answer["data"][0]["details"]["id"]


class TestMethods:
    def test_a_method_may_be_in_lower_case_and_the_choices_are_shown_in_upper_case(self, run):
        result = run("api", "fetch", "Candidates")
        assert (result.exit_code, "'GET', 'POST', 'PUT', 'PATCH', 'DELETE'" in result.stderr) == (2, True)
        context = click.Context(app.get_command(click.Context(app), "api"))
        completed = context.command.params[0].shell_complete(context, "p")
        assert [each.value for each in completed] == ["POST", "PUT", "PATCH"]

    def test_a_record_is_added_changed_and_deleted(self, run, candidate, zoho):
        path = f"Candidates/{candidate}"
        changed = run("api", "put", path, "-d", '{"data": [{"City": "Lima"}]}')
        assert (changed.exit_code, json.loads(changed.stdout)["data"][0]["status"]) == (0, "success")
        assert json.loads(run("api", "GET", path).stdout)["data"][0]["City"] == "Lima"
        assert run("api", "DELETE", path).exit_code == 0
        assert run("api", "GET", path).exit_code == 1
        assert zoho.token_requests == 1

    def test_get_is_the_short_form_of_api_get(self, run, granted):
        granted()
        arguments = ("Candidates", "-q", "per_page=1", "-q", "page=2", "--fields", "Last_Name")
        assert run("get", *arguments).output == run("api", "GET", *arguments).output

    def test_data_comes_from_a_file_or_standard_input(self, run, granted, tmp_path):
        granted()
        file = tmp_path / "new.json"
        file.write_text(NEW, "utf-8")
        assert run("api", "POST", "Candidates", "-d", f"@{file}").exit_code == 0
        assert run("api", "POST", "Candidates", "--data", "@-", input=NEW).exit_code == 0
        names = run("get", "Candidates", "--all", "--fields", "Last_Name").stdout
        assert names.count("Núñez") == 2

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (("POST", "Candidates", "-d", "{no"), "The text is not valid JSON: Expecting property name"),
            (("POST", "Candidates", "-d", "@/nowhere/x"), "/nowhere/x cannot be read: No such file"),
            (("POST", "Candidates", "-d", "@a\0b"), "cannot be read"),
            (("POST", "Candidates", "-F", "/nowhere/x"), "/nowhere/x cannot be read: No such file"),
            (("POST", "Candidates", "-d", "{}", "-F", __file__), "not both"),
            (("GET", "Candidates", "-d", "{}"), "a GET has no body"),
            (("DELETE", "Candidates", "--csv"), "are for GET"),
            (("GET", "Candidates", "-q", "page"), "key=value"),
            (("GET", "Candidates", "-q", "=1"), "key=value"),
            (("LOOK", "Candidates"), "LOOK"),
            (("GET", "Candidates", "--fields", ""), "Name at least one field"),
            (("GET", "Candidates", "--fields", " ,"), "Name at least one field"),
            (
                ("GET", "Candidates", "--paginate", "-q", "page=x"),
                "With --paginate, page and per_page are numbers from 1",
            ),
            (("GET", "Candidates?per_page=", "--paginate"), "With --paginate, page and per_page are numbers from 1"),
            (
                ("GET", "Candidates", "--paginate", "-q", "per_page=0"),
                "With --paginate, page and per_page are numbers from 1",
            ),
        ],
    )
    def test_wrong_usage_is_told_before_anything_is_sent(self, run, granted, zoho, arguments, told):
        granted()
        result = run("api", *arguments)
        assert (result.exit_code, told in " ".join(result.stderr.split()), zoho.received) == (2, True, [])

    def test_data_that_is_no_text_is_told(self, run, granted, tmp_path):
        granted()
        file = tmp_path / "x"
        file.write_bytes(b'"\xff\xfe\xfd"')
        told = run("api", "POST", "Candidates", "-d", f"@{file}")
        assert (told.exit_code, f"{file} is not valid JSON: it is not text in UTF-8." in told.stderr) == (2, True)
        told = run("api", "POST", "Candidates", "-d", "@-", input="")
        assert "Standard input is not valid JSON: Expecting value, line 1, column 1." in told.stderr

    def test_what_is_sent_follows_no_redirect(self, run, eu):
        eu.delete(CANDIDATES, status=307, headers={"Location": "https://other.example/"})
        eu.delete("https://other.example/", body="planted")
        result = run("api", "DELETE", "Candidates")
        assert (result.exit_code, "HTTP 307" in result.stderr, len(eu.calls)) == (1, True, 1)

    def test_one_that_was_refused_among_others_is_told(self, run, eu):
        results = [{"status": "success"}, {"status": "error", "code": "MANDATORY_NOT_FOUND"}]
        eu.post(CANDIDATES, json={"data": results}, status=202)
        result = run("api", "POST", "Candidates", "-d", "{}")
        assert (result.exit_code, json.loads(result.stdout)["data"]) == (1, results)
        assert "Error: Zoho Recruit rejected 1 of 2 records; the answer says why.\n" == result.stderr

    @pytest.mark.parametrize("body", [b"", b"[]", b'{"data": 1}', b'{"data": [1]}', b'{"data": [{}]}'])
    def test_an_answer_of_another_kind_is_printed_as_it_is(self, run, eu, body):
        eu.post(CANDIDATES, body=body)
        result = run("api", "POST", "Candidates", "-d", "{}")
        assert (result.exit_code, result.stdout) == (0, body.decode())

    def test_a_refused_token_is_replaced_and_the_body_sent_again(self, run, granted, zoho):
        granted(expires_at=time.time() + 3600)
        assert run("api", "POST", "Candidates", "-d", NEW).exit_code == 0
        assert (zoho.token_requests, zoho.api_requests) == (1, 2)

    @pytest.mark.parametrize(
        "fault", ["throttle", "server-error", "html", "garbage", "null-refresh-token", "no-expiry"]
    )
    def test_what_happens_at_the_token_endpoint_is_told_or_overcome(self, run, granted, zoho, fault):
        granted()
        zoho.fault(fault)
        result = run("api", "GET", "Candidates", "-q", "per_page=1")
        if fault in {"null-refresh-token", "no-expiry"}:
            assert (result.exit_code, result.stderr) == (0, "")
        else:
            assert result.exit_code == {"throttle": 5}.get(fault, 6)
            assert result.stdout == ""


def test_an_empty_path_is_named_in_the_error(run, granted):
    granted()
    for options in (("get", "Candidates", "-o", ""), ("api", "POST", "Candidates", "-F", "")):
        assert re.search(r"(\. cannot be read|Could not write \.): Is a directory\.", run(*options).stderr)


@pytest.mark.usefixtures("measured_processes")
class TestFiles:
    @pytest.fixture
    def cv(self, tmp_path):
        file = tmp_path / "résumé.pdf"
        file.write_bytes(b"%PDF\0\xff" + os.urandom(3_000_000))
        return file

    @pytest.fixture
    def attachment(self, run, candidate, cv):
        """The path of an uploaded file."""
        path = f"Candidates/{candidate}/Attachments"
        answer = run("api", "POST", path, "-F", cv)
        return f"{path}/{json.loads(answer.stdout)['data'][0]['details']['id']}"

    def test_a_file_goes_there_and_comes_back(self, run, attachment, cv, tmp_path):
        assert json.loads(run("get", attachment.rpartition("/")[0]).stdout)["data"][0]["File_Name"] == cv.name
        assert run("get", attachment).stdout_bytes == cv.read_bytes()
        result = run("get", attachment, "-o", tmp_path / "copy.pdf")
        assert (result.stdout, result.stderr) == ("", f"Saved 3,000,006 bytes in {tmp_path / 'copy.pdf'}.\n")
        assert (tmp_path / "copy.pdf").read_bytes() == cv.read_bytes()
        assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["copy.pdf", cv.name]

    def test_the_part_may_have_another_name(self, run, eu, cv):
        eu.post(CANDIDATES, json={})
        run("api", "POST", "Candidates", "-F", f"resume=@{cv}")
        [call] = eu.calls
        assert call.request.headers["Content-Length"] == str(len(call.request.body))
        head = call.request.body[:300].decode("utf-8", "replace")
        assert 'name="resume"; filename="résumé.pdf"\r\nContent-Type: application/pdf' in head

    def test_an_upload_whose_token_is_refused_is_sent_again_whole(self, run, candidate, cv, zoho):
        before, path = zoho.api_requests, f"Candidates/{candidate}/Attachments"
        zoho.reject_tokens()
        answer = json.loads(run("api", "POST", path, "-F", cv).stdout)
        assert zoho.api_requests == before + 2
        assert run("get", f"{path}/{answer['data'][0]['details']['id']}").stdout_bytes == cv.read_bytes()

    @pytest.mark.parametrize("columns", [60, 80, 120])
    @pytest.mark.thorough(one_in=3)
    def test_a_terminal_sees_bars(self, attachment, cv, tmp_path, columns):
        with (tmp_path / "copy").open("wb") as copy:
            code, screen = run_on_terminal("get", attachment, stdout=copy, columns=columns)
        assert (code, (tmp_path / "copy").read_bytes() == cv.read_bytes()) == (0, True)
        assert "Download" in screen
        assert max(map(len, strip_styles(screen).replace("\r", "\n").splitlines())) <= columns
        code, screen = run_on_terminal("api", "POST", attachment.rpartition("/")[0], "-F", cv, columns=columns)
        assert (code, "Upload" in screen) == (0, True)

    def test_a_terminal_is_not_sent_a_binary_file(self, attachment):
        code, screen = run_on_terminal("get", attachment)
        assert (code, "--output name" in screen, "PDF" in screen) == (1, True, False)

    def test_a_download_that_breaks_off_leaves_what_was_there(self, run, eu, tmp_path):
        file = tmp_path / "cv.pdf"
        file.write_bytes(b"before")
        eu.get(CANDIDATES, body=b"half", headers={"Content-Length": "400"}, auto_calculate_content_length=False)
        result = run("get", "Candidates", "-o", file)
        assert (result.exit_code, file.read_bytes(), len(list(tmp_path.glob("cv*")))) == (6, b"before", 1)

    @pytest.mark.parametrize("before", ["an old answer", None])
    @pytest.mark.parametrize("options", [(), ("--csv",), ("--all",), ("--fields", "id")])
    def test_an_answer_without_content_makes_an_empty_file(self, run, eu, tmp_path, options, before):
        file = tmp_path / "answer"
        if before:
            file.write_text(before, "utf-8")
        eu.get(CANDIDATES, status=204)
        assert run("get", "Candidates", "-o", file, *options).exit_code == 0
        assert file.read_bytes() == b""

    def test_a_change_that_is_answered_without_content_makes_one_too(self, run, eu, tmp_path):
        file = tmp_path / "answer"
        file.write_text("an old answer", "utf-8")
        eu.delete(CANDIDATES, status=204)
        result = run("api", "DELETE", "Candidates", "-o", file)
        assert (result.exit_code, file.read_bytes()) == (0, b"")
        assert result.stderr == f"No content (HTTP 204), so {file} is empty.\n"

    @pytest.mark.parametrize("name", ["missing/cv.pdf", "file/cv.pdf"])
    def test_a_place_that_cannot_be_written_is_told(self, run, eu, tmp_path, name):
        (tmp_path / "file").write_text("")
        listed(eu)
        result = run("get", "Candidates", "-o", tmp_path / name)
        assert (result.exit_code, "Could not write" in result.stderr) == (1, True)

    def test_a_device_is_written_to_as_it_is(self, run, eu):
        listed(eu, {"id": "1"})
        assert run("get", "Candidates", "-o", "/dev/null").exit_code == 0
        assert run("get", "Candidates", "-o", "/dev/null", "--csv").exit_code == 0

    def test_a_packed_answer_is_unpacked(self, run, eu):
        packed = gzip.compress(b'{"data": []}')
        eu.get(CANDIDATES, body=packed, headers={"Content-Encoding": "gzip", "Content-Length": str(len(packed))})
        assert run("get", "Candidates").stdout == '{"data": []}'


class TestLists:
    def test_csv_has_a_head_and_a_line_for_each(self, run, eu):
        listed(
            eu, {"id": "1", "Name": 'A "B", C', "Owner": {"name": "Zoë", "id": "7"}}, {"id": "2", "Age": 3, "Ok": True}
        )
        result = run("get", "Candidates", "--csv")
        assert result.stdout.splitlines()[0] == "id,Name,Owner,Age,Ok"
        first, second = csv.DictReader(io.StringIO(result.stdout))
        assert (first["Name"], json.loads(first["Owner"])) == ('A "B", C', {"name": "Zoë", "id": "7"})
        assert (second["Name"], second["Age"], second["Ok"]) == ("", "3", "true")

    def test_fields_choose_and_order_also_what_is_within_another(self, run, eu):
        listed(eu, {"id": "1", "Owner": {"name": "Zoë"}, "a.b": 5}, {"id": "2", "Owner": None})
        assert run("get", "Candidates", "--fields", "Owner.name, id,a.b,").stdout == (
            '{"Owner.name": "Zoë", "id": "1", "a.b": 5}\n{"Owner.name": null, "id": "2", "a.b": null}\n'
        )
        result = run("get", "Candidates", "--csv", "--fields", "Owner.name,id")
        assert result.stdout == "Owner.name,id\nZoë,1\n,2\n"

    @pytest.mark.parametrize("options", [(), ("--csv",), ("-o", "records")])
    @pytest.mark.parametrize(
        ("fields", "missing"),
        [("Mail", "Mail"), ("Mail,id,Nope", "Mail, Nope"), ("Owner.mail", "Owner.mail"), ("Email.x", "Email.x")],
    )
    def test_a_field_that_no_record_has_is_an_error_before_anything_is_written(
        self, run, eu, tmp_path, monkeypatch, fields, missing, options
    ):
        monkeypatch.chdir(tmp_path)
        listed(eu, {"id": "1", "Email": "x", "Owner": {"id": "7"}}, {"id": "2", "Email": "y", "Owner": {"name": "Zoë"}})
        result = run("get", "Candidates", "--fields", fields, *options)
        assert (result.exit_code, result.stdout, (tmp_path / "records").exists()) == (1, "", False)
        assert result.stderr == f"Error: No record has {missing}. The fields are: id, Email, Owner.\n"

    @pytest.mark.parametrize("fields", ["Gone.name", "a.b", "Owner.name", "Owner"])
    def test_a_field_that_some_record_has_or_whose_record_is_empty_is_none(self, run, eu, fields):
        listed(eu, {"id": "1", "a.b": 5}, {"id": "2", "Owner": {"name": "Zoë"}, "Gone": None})
        result = run("get", "Candidates", "--fields", fields)
        assert (result.exit_code, len(result.stdout.splitlines()), result.stderr) == (0, 2, "")

    @pytest.mark.parametrize("output", [None, "records"])
    def test_of_all_pages_a_later_one_may_have_it_so_the_records_are_kept(self, run, eu, tmp_path, monkeypatch, output):
        monkeypatch.chdir(tmp_path)
        listed(eu, {"id": "1"}, more_records=True)
        listed(eu, {"id": "2", "Late": 3})
        options = ("--all", "--fields", "id,Late,Nope", *(("-o", output) if output else ()))
        result = run("get", "Candidates", *options)
        shown = (tmp_path / output).read_text("utf-8") if output else result.stdout
        assert [list(json.loads(line).values()) for line in shown.splitlines()] == [["1", None, None], ["2", 3, None]]
        assert (result.exit_code, result.stderr.splitlines()) == (
            1,
            [
                "No record on the first page has Late, Nope. The fields are: id.",
                "Error: No record has Nope. The fields are: id.",
            ],
        )

    def test_one_page_says_that_there_are_more(self, run, granted):
        granted()
        result = run("get", "Candidates", "-q", "per_page=3", "--csv", "--fields", "Last_Name")
        assert (len(result.stdout.splitlines()), "--paginate" in result.stderr) == (4, True)

    def test_csv_of_all_pages_has_one_head(self, run, granted, monkeypatch):
        monkeypatch.setattr("requests_zohorecruit.cli.records._PER_PAGE", 5)
        granted()
        result = run("get", "Candidates", "--paginate", "--csv", "--fields", "Last_Name,Email")
        assert (len(result.stdout.splitlines()), result.stdout.count("Last_Name"), result.stderr) == (13, 1, "")

    @pytest.mark.parametrize(
        ("arguments", "sent"),
        [
            (("Candidates",), [("1", "200")]),
            (("Candidates", "-q", "per_page=5"), [("1", "5"), ("2", "5"), ("3", "5")]),
            (("Candidates", "-q", "per_page=5", "-q", "page=2"), [("2", "5"), ("3", "5")]),
            (("Candidates?page=2&per_page=6",), [("2", "6")]),
            (("Candidates?page=1&per_page=6", "-q", "page=2"), [("2", "6")]),
        ],
    )
    def test_paging_begins_where_the_query_says_and_fetches_as_many_at_once(self, run, granted, zoho, arguments, sent):
        granted()
        result = run("get", *arguments, "--paginate", "--fields", "id")
        queries = [each["query"] for each in zoho.received if each["path"].startswith("/recruit")]
        assert [(query["page"], query["per_page"]) for query in queries] == sent
        first, size = map(int, sent[0])
        assert len(result.stdout.splitlines()) == 12 - (first - 1) * size

    def test_a_field_that_only_a_later_page_has_is_told_once(self, run, eu):
        for records, more in ([{"id": "1"}], True), ([{"id": "2", "New": 1}], True), ([{"id": "3", "New": 1}], False):
            listed(eu, *records, more_records=more)
        result = run("get", "Candidates", "--paginate", "--csv")
        assert result.stdout == "id\n1\n2\n3\n"
        assert result.stderr == "Left out, because the first page lacks them: New. Name them with --fields.\n"

    def test_lists_that_are_not_of_records(self, run, granted):
        granted()
        assert "Candidates" in run("get", "settings/modules", "--csv", "--fields", "api_name").stdout

    @pytest.mark.parametrize("data", [1, [1], {"a": 1}])
    def test_what_is_no_list_is_told(self, run, eu, data):
        eu.get(CANDIDATES, json={"data": data})
        result = run("get", "Candidates", "--csv")
        assert (result.exit_code, "The answer is not a list of records" in result.stderr) == (1, True)

    @pytest.mark.parametrize("options", [("--all",), ("--fields", "id"), ("--all", "--fields", "id,Email")])
    def test_an_empty_list_is_empty(self, run, eu, options):
        eu.get(CANDIDATES, status=204)
        result = run("get", "Candidates", *options)
        assert (result.exit_code, result.output) == (0, "")

    @pytest.mark.parametrize("options", [(), ("--all",)])
    def test_csv_of_an_empty_list_has_the_head_that_is_known(self, run, eu, options):
        eu.get(CANDIDATES, status=204)
        result = run("get", "Candidates", "--csv", "--fields", "id,Owner.name", *options)
        assert (result.exit_code, result.stdout, result.stderr) == (0, "id,Owner.name\n", "")
        result = run("get", "Candidates", "--csv", *options)
        assert (result.exit_code, result.stdout) == (0, "")
        assert result.stderr == "Without records, the CSV has no header. Name the columns with --fields.\n"

    def test_csv_is_utf_8_whatever_the_terminal_is(self, eu):
        listed(eu, {"Name": "Zoë"})
        result = CliRunner(charset="ascii").invoke(app, ["get", "Candidates", "--csv"])
        assert result.stdout_bytes.decode("utf-8") == "Name\nZoë\n"

    def test_a_file_gets_all_pages_and_the_terminal_a_bar(self, run, granted, monkeypatch, tmp_path):
        granted()
        shown = io.StringIO()
        monkeypatch.setattr(
            "requests_zohorecruit.cli.records.open_console",
            lambda **_: Console(file=shown, force_terminal=True, width=80),
        )
        run("get", "Candidates", "--paginate", "-o", tmp_path / "all.jsonl")
        assert len((tmp_path / "all.jsonl").read_text("utf-8").splitlines()) == 12
        assert "12 records" in shown.getvalue()


@pytest.mark.usefixtures("measured_processes")
class TestScreen:
    @pytest.mark.parametrize("columns", [60, 80, 120])
    @pytest.mark.thorough(one_in=3)
    def test_json_is_readable_and_never_cut(self, granted, columns):
        granted()
        code, screen = run_on_terminal("get", "Candidates", "-q", "per_page=1", columns=columns)
        assert (code, json.loads(strip_styles(screen))["info"]["count"]) == (0, 1)

    @pytest.mark.parametrize("options", [(), ("--csv",), ("--all",), ("--fields", "Name")])
    def test_nothing_in_an_answer_is_obeyed(self, eu, monkeypatch, options):
        listed(eu, {"Name": "a\x1b[2J\x9b2J\x7f\x07b\rc"})
        screen = io.StringIO()
        screen.isatty = lambda: True
        monkeypatch.setattr(sys, "stdout", screen)
        app(["get", "Candidates", *options], standalone_mode=False)
        assert not any(each in strip_styles(screen.getvalue()) for each in "\x1b\x9b\x7f\x07\r")
        assert "\\u009b2J" in screen.getvalue()

    def test_text_is_not_obeyed_either(self, eu, monkeypatch):
        eu.get(CANDIDATES, body="a\x1b[2J\r\nb", content_type="text/plain")
        screen = io.StringIO()
        screen.isatty = lambda: True
        monkeypatch.setattr(sys, "stdout", screen)
        app(["get", "Candidates"], standalone_mode=False)
        assert screen.getvalue() == "a\\u001b[2J\nb\n"


class TestPipes:
    def test_a_reader_that_has_gone_is_no_error_to_speak_of(self, granted):
        granted()
        command = [sys.executable, "-m", "requests_zohorecruit", "get", "Candidates", "--all"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        process.stdout.close()
        assert (process.stderr.read(), process.wait(60)) == ("", 1)
        process.stderr.close()

    def test_no_secret_is_shown_or_in_the_list_of_processes(self, granted, zoho):
        profile = granted()
        zoho.fault("hang")
        command = [sys.executable, "-m", "requests_zohorecruit", "--debug", "api", "GET", "Candidates"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while not zoho.token_requests and process.poll() is None:
            time.sleep(0.01)
        with open(f"/proc/{process.pid}/cmdline", encoding="utf-8") as file:  # noqa: PTH123 - not a file to keep
            listed_command = file.read()
        process.send_signal(signal.SIGINT)
        shown = "".join(process.communicate(timeout=60)) + listed_command
        secrets = zoho.client_secret, zoho.refresh_token, str(profile.load().store.load().get("access_token"))
        assert (process.returncode, [each for each in secrets if each in shown]) == (130, [])

    @pytest.mark.parametrize("problem", [requests.ConnectionError("planted"), requests.ReadTimeout("planted")])
    @pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
    def test_no_network(self, run, eu, problem, method):
        eu.add(method, CANDIDATES, body=problem)
        result = run("api", method, "Candidates")
        assert (result.exit_code, result.stdout, "planted" in result.stderr) == (6, "", False)
        assert len(eu.calls) == 1
