"""The Recruit API in the box: who is let in, records, attachments."""

from __future__ import annotations

import pytest
import requests
from helpers.socketless_sandbox import says


@pytest.fixture
def token(desk):
    return desk.mint()


def first_id(desk, token, module="Candidates"):
    return says(desk.api("GET", module, token))["data"][0]["id"]


def test_without_a_header_or_with_another_scheme_authentication_fails(desk, token):
    expected = {"code": "AUTHENTICATION_FAILURE", "message": "Authentication failed", "status": "error"}
    for headers in ({}, {"Authorization": f"Basic {token}"}, {"Authorization": token}):
        answer = desk.send("GET", "/recruit/v2/Candidates", **headers)
        assert (answer.status, says(answer)) == (401, expected)


def test_bearer_is_accepted_too(desk, token):
    assert desk.send("GET", "/recruit/v2/Candidates", authorization=f"Bearer {token}").status == 200


INVALID = {"code": "INVALID_TOKEN", "message": "invalid oauth token", "status": "error"}


def test_a_token_called_none_is_an_invalid_token(desk):
    answer = desk.api("GET", "Candidates", "None")
    assert (answer.status, says(answer)) == (401, INVALID)


def test_an_access_token_lives_an_hour(desk, token):
    desk.now += 3599
    assert desk.api("GET", "Candidates", token).status == 200
    desk.now += 1
    assert says(desk.api("GET", "Candidates", token)) == INVALID


def test_expired_tokens_are_dead_and_rejected_ones_only_refused(desk):
    grant = desk.zoho.new_grant()
    for spoil, live in ((desk.zoho.expire_tokens, 0), (desk.zoho.reject_tokens, 1)):
        token = desk.mint(grant)
        spoil()
        assert says(desk.api("GET", "Candidates", token)) == INVALID
        assert desk.zoho.live_access_tokens(grant) == live
        assert desk.api("GET", "Candidates", desk.mint(desk.zoho.new_grant())).status == 200


def test_the_api_can_refuse_everything(desk, token):
    desk.zoho.reject_all = True
    assert says(desk.api("GET", "Candidates", token)) == INVALID
    desk.zoho.reject_all = False
    assert desk.api("GET", "Candidates", token).status == 200


@pytest.mark.parametrize(
    ("scope", "method", "allowed"),
    [
        ("ZohoRecruit.modules.ALL", "DELETE", True),
        ("ZohoRecruit.modules.READ", "GET", True),
        ("ZohoRecruit.modules.READ", "DELETE", False),
        ("ZohoRecruit.modules.WRITE", "DELETE", True),
        ("ZohoRecruit.modules.WRITE", "GET", False),
        ("ZohoRecruit.modules.candidate.READ", "GET", True),
        ("zohorecruit.Modules.Candidates.all", "DELETE", True),
        ("ZohoRecruit.modules.jobopening.ALL", "GET", False),
        ("ZohoRecruit.settings.ALL", "GET", False),
        ("ZohoCRM.modules.ALL", "GET", False),
        ("ZohoCRM.modules.ALL ZohoRecruit.modules.READ", "GET", True),
    ],
)
def test_a_missing_scope_is_a_401_of_its_own(desk, scope, method, allowed):
    token = desk.mint(desk.zoho.new_grant(scope))
    answer = desk.api(method, "Candidates/410888000000117001", token)
    mismatch = {
        "code": "OAUTH_SCOPE_MISMATCH",
        "details": {},
        "message": "invalid oauth scope to access this URL",
        "status": "error",
    }
    assert answer.status == (200 if allowed else 401)
    assert allowed or says(answer) == mismatch


@pytest.mark.parametrize(
    "path",
    [
        "/recruit/v2/Nonsense",
        "/recruit/v2/Applications",
        "/recruit/v2/coql",
        "/recruit/v2/upload",
        "/recruit/v2/settings/fields",
        "/recruit/v2/Candidates/410888000000117001/Tasks",
        "/recruit/v3/Candidates",
        "/recruit/bulk/v2/read",
        "/recruit/private/json/Candidates/getRecords",
    ],
)
def test_a_path_that_the_sandbox_does_not_have_is_a_501_that_names_it_before_anything_else(desk, path):
    answer = desk.send("GET", path)
    assert (answer.status, says(answer)["code"]) == (501, "NOT_IN_SANDBOX")
    assert f"does not have {path}." in says(answer)["message"]


@pytest.mark.parametrize(
    "path",
    [
        "Candidates/me",
        "Candidates/me/",
        "Candidates/ZR_1_CAND",
        "Candidates/upsert",
        "Candidates/12x/Attachments",
        "Candidates/410888000000117001/Attachments/cv.pdf",
        "users/me",
    ],
)
def test_what_cannot_be_an_id_is_told_to_be_none_or_a_feature_that_is_missing(desk, path):
    answer = desk.send("GET", f"/recruit/v2/{path}")
    assert (answer.status, says(answer)["code"]) == (501, "NOT_IN_SANDBOX")
    assert f"does not have /recruit/v2/{path}, and an id has only digits." in says(answer)["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "users"),
        ("PUT", "org"),
        ("POST", "settings/modules"),
        ("POST", "Candidates/search"),
        ("POST", "Candidates/410888000000117001"),
        ("PUT", "Candidates/410888000000117001/Attachments"),
        ("PUT", "Candidates/410888000000117001/Attachments/1"),
        ("DELETE", "Candidates/410888000000117001/Notes"),
    ],
)
def test_a_method_that_the_sandbox_does_not_have_is_a_501_that_names_it(desk, token, method, path):
    answer = desk.api(method, path, token, [{"Last_Name": "X"}])
    assert answer.status == 501
    assert f"does not have {method} /recruit/v2/{path}." in says(answer)["message"]


def test_a_method_that_zoho_does_not_have_is_refused(desk, token):
    answer = desk.api("PATCH", "Candidates", token)
    assert (answer.status, says(answer)["code"]) == (400, "INVALID_REQUEST_METHOD")


def test_a_list_comes_in_pages(desk, token):
    whole = says(desk.api("GET", "Candidates", token))
    assert whole["info"] == {"per_page": 200, "count": 12, "page": 1, "more_records": False}
    page = says(desk.api("GET", "Candidates?page=3&per_page=5", token))
    assert page["info"] == {"per_page": 5, "count": 2, "page": 3, "more_records": False}
    assert page["data"] == whole["data"][10:]
    assert says(desk.api("GET", "Candidates?per_page=5", token))["info"]["more_records"] is True
    assert len({candidate["Email"] for candidate in whole["data"]}) == 12


def test_an_empty_list_is_204_without_a_body(desk, token):
    answer = desk.api("GET", "JobOpenings?page=2", token)
    assert (answer.status, answer.body) == (204, b"")


@pytest.mark.parametrize("query", ["page=0", "page=x", "per_page=0", "per_page=201", "per_page=-1"])
def test_impossible_pages_are_refused(desk, token, query):
    assert desk.api("GET", f"Candidates?{query}", token).status == 400


def test_a_record_is_added_read_changed_and_deleted(desk, token):
    desk.now += 60
    added = desk.api("POST", "Candidates", token, [{"Last_Name": "Nový", "id": "1"}, {"First_Name": "Nameless"}])
    good, bad = says(added)["data"]
    assert (added.status, good["code"], bad["code"]) == (201, "SUCCESS", "MANDATORY_NOT_FOUND")
    path = f"Candidates/{good['details']['id']}"
    record = says(desk.api("GET", path, token))["data"][0]
    assert (record["Last_Name"], record["id"]) == ("Nový", good["details"]["id"])
    desk.now += 60
    assert says(desk.api("PUT", path, token, [{"City": "Brno", "id": "1"}]))["data"][0]["code"] == "SUCCESS"
    changed = says(desk.api("GET", path, token))["data"][0]
    assert (changed["City"], changed["id"], changed["Last_Name"]) == ("Brno", record["id"], "Nový")
    assert changed["Created_Time"] == record["Created_Time"] < changed["Modified_Time"]
    assert says(desk.api("DELETE", path, token))["data"][0]["status"] == "success"
    assert says(desk.api("GET", path, token))["code"] == "INVALID_DATA"


def test_several_records_are_changed_and_deleted_at_once(desk, token):
    first, second = (record["id"] for record in says(desk.api("GET", "JobOpenings?per_page=2", token))["data"])
    results = says(desk.api("PUT", "JobOpenings", token, [{"id": first, "City": "York"}, {"City": "Nowhere"}]))["data"]
    assert [result["code"] for result in results] == ["SUCCESS", "INVALID_DATA"]
    results = says(desk.api("DELETE", f"JobOpenings?ids={first},{second},7", token))["data"]
    assert [result["code"] for result in results] == ["SUCCESS", "SUCCESS", "INVALID_DATA"]
    assert says(desk.api("GET", "JobOpenings", token))["info"]["count"] == 2


def test_nothing_added_is_a_400(desk, token):
    assert desk.api("POST", "JobOpenings", token, [{}]).status == 400


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"{}", b'{"data":[]}', b'{"data":{}}', b'{"data":["x"]}', b"\xff", b"[" * 99_999]
)
@pytest.mark.parametrize(("method", "path"), [("POST", "Candidates"), ("PUT", "Candidates/410888000000117001")])
def test_a_body_that_holds_no_records_is_refused(desk, token, method, path, body):
    answer = desk.send(method, f"/recruit/v2/{path}", body=body, Authorization=f"Zoho-oauthtoken {token}")
    assert (answer.status, says(answer)["code"]) == (400, "INVALID_DATA")


def upload(desk, token, record, content, name="Lebenslauf für “Ä”.pdf"):
    prepared = requests.Request("POST", "https://x", files={"note": ("n", b"n"), "file": (name, content)}).prepare()
    return desk.send(
        "POST",
        f"/recruit/v2/Candidates/{record}/Attachments",
        body=prepared.body,
        Authorization=f"Zoho-oauthtoken {token}",
        Content_Type=prepared.headers["Content-Type"],
    )


@pytest.mark.parametrize("content", [b"", b"\r\n--", b"\r\n\r\n\x00\xff\n--\r\n", bytes(range(256)) * 40])
def test_a_file_comes_back_byte_for_byte(desk, token, content):
    record = first_id(desk, token)
    uploaded = says(upload(desk, token, record, content))["data"][0]
    file_id = uploaded["details"]["id"]
    path = f"Candidates/{record}/Attachments"
    assert uploaded["status"] == "success"
    assert desk.zoho.attachments == {file_id: content}
    assert desk.api("GET", f"{path}/{file_id}", token).body == content
    listed = says(desk.api("GET", path, token))
    assert listed["info"]["count"] == 1
    assert listed["data"][0].items() >= {"File_Name": "Lebenslauf für “Ä”.pdf", "Size": str(len(content))}.items()


def test_a_file_is_gone_when_it_or_its_record_is_deleted(desk, token):
    record = first_id(desk, token)
    path = f"Candidates/{record}/Attachments"
    assert desk.api("GET", path, token).status == 204
    one, _ = upload(desk, token, record, b"1"), upload(desk, token, record, b"2")
    gone = f"{path}/{says(one)['data'][0]['details']['id']}"
    assert desk.api("DELETE", gone, token).status == 200
    assert desk.api("GET", gone, token).status == 400
    assert list(desk.zoho.attachments.values()) == [b"2"]
    desk.api("DELETE", f"Candidates/{record}", token)
    assert desk.zoho.attachments == {}
    assert desk.api("GET", path, token).status == 400


def test_a_file_belongs_to_its_record(desk, token):
    records = [record["id"] for record in says(desk.api("GET", "Candidates?per_page=2", token))["data"]]
    file_id = says(upload(desk, token, records[0], b"1"))["data"][0]["details"]["id"]
    assert desk.api("GET", f"Candidates/{records[1]}/Attachments/{file_id}", token).status == 400
    assert desk.api("GET", f"Candidates/{records[1]}/Attachments", token).status == 204


def test_attachments_take_no_other_bodies(desk, token):
    record = first_id(desk, token)
    path = f"Candidates/{record}/Attachments"
    assert desk.api("POST", path, token).status == 400
    assert desk.api("POST", path, token, Content_Type="multipart/form-data").status == 400
    assert desk.api("POST", path, token, Content_Type="multipart/form-data; boundary=b").status == 400


def test_a_download_can_lead_anywhere(desk, token):
    record = first_id(desk, token)
    file_id = says(upload(desk, token, record, b"1"))["data"][0]["details"]["id"]
    answer = desk.api("GET", f"Candidates/{record}/Attachments/{file_id}?redirect={desk.zoho.elsewhere}", token)
    assert (answer.status, answer.headers["Location"]) == (302, "https://localhost:4433/elsewhere")
