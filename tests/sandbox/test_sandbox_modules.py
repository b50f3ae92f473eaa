"""Records beyond a list: deleted ones, notes, times, and what Recruit tells about itself."""

from __future__ import annotations

import pytest
from helpers.socketless_sandbox import Desk, says

ANY = "410888000000117001"


@pytest.fixture
def token(desk):
    return desk.mint()


def test_candidates_carry_updated_on_beside_modified_time_and_others_do_not(desk, token):
    desk.now += 60
    desk.api("PUT", f"Candidates/{ANY}", token, [{"City": "Bath"}])
    changed, untouched = says(desk.api("GET", "Candidates?per_page=2", token))["data"]
    assert changed["Updated_On"] == changed["Modified_Time"] > changed["Created_Time"]
    assert untouched["Updated_On"] == untouched["Modified_Time"] == untouched["Created_Time"]
    opening = says(desk.api("GET", "JobOpenings?per_page=1", token))["data"][0]
    assert "Updated_On" not in opening
    assert opening["Modified_Time"] == opening["Created_Time"]


def test_what_was_deleted_is_listed_with_who_did_it_and_when(desk, token):
    assert desk.api("GET", "Candidates/deleted", token).status == 204
    desk.now += 60
    desk.api("DELETE", f"Candidates/{ANY}?wf_trigger=false", token)
    desk.api("DELETE", "Candidates?ids=410888000000117002,7&wf_trigger=True", token)
    answer = says(desk.api("GET", "Candidates/deleted?type=all", token))
    assert answer["info"]["count"] == 2
    first = answer["data"][0]
    assert first == {
        "id": ANY,
        "display_name": "Amara Okafor",
        "type": "recycle",
        "deleted_by": {"name": "Person 1", "id": "410888000000026002"},
        "deleted_time": "1970-01-12T13:47:40+00:00",
    }
    assert says(desk.api("GET", "Candidates/deleted?type=Recycle&per_page=1&page=2", token))["info"]["count"] == 1
    assert desk.api("GET", "Candidates/deleted?type=permanent", token).status == 204
    assert says(desk.api("GET", "Candidates/deleted?type=lost", token))["code"] == "INVALID_DATA"
    assert desk.api("GET", "JobOpenings/deleted", token).status == 204
    assert desk.api("GET", "Candidates/deleted", token, If_Modified_Since=first["deleted_time"]).status == 204


def test_a_note_is_about_a_record_and_goes_with_it(desk, token):
    path = f"Candidates/{ANY}/Notes"
    assert desk.api("GET", path, token).status == 204
    added = desk.api("POST", path, token, [{"Note_Title": "Call", "Note_Content": "She called."}])
    assert added.status == 201
    assert desk.api("POST", "Notes", token, [{"Note_Content": "x", "Parent_Id": {"id": ANY}, "se_module": "Candidates"}]).status == 201  # fmt: skip
    assert (
        desk.api("POST", "Notes", token, [{"Note_Content": "x", "Parent_Id": ANY, "se_module": "Clients"}]).status
        == 400
    )
    assert desk.api("POST", "Notes", token, [{"Note_Content": "x", "Parent_Id": ANY}]).status == 400
    assert (
        desk.api("POST", "Notes", token, [{"Note_Content": "x", "Parent_Id": ANY, "se_module": "Mars"}]).status == 400
    )
    first, second = says(desk.api("GET", path, token))["data"]
    assert first["Parent_Id"] == second["Parent_Id"] == {"id": ANY, "name": "Amara Okafor"}
    assert first["$se_module"] == second["$se_module"] == "Candidates"
    assert (first["Note_Content"], "se_module" in first) == ("She called.", False)
    assert says(desk.api("GET", f"{path}?per_page=1", token))["info"]["more_records"] is True
    assert desk.api("GET", "Candidates/410888000000117002/Notes", token).status == 204
    desk.api("DELETE", f"Candidates/{ANY}", token)
    assert desk.api("GET", "Notes", token).status == 204
    assert says(desk.api("GET", "Notes/deleted", token))["data"][0]["display_name"] == "Call"


def test_a_note_is_changed_and_stays_where_it_is(desk, token):
    added = desk.api("POST", f"Candidates/{ANY}/Notes", token, [{"Note_Content": "before"}])
    path = f"Notes/{says(added)['data'][0]['details']['id']}"
    whole = says(desk.api("GET", path, token))["data"][0]
    assert says(desk.api("PUT", path, token, [whole | {"Note_Content": "after"}]))["data"][0]["code"] == "SUCCESS"
    moved = desk.api("PUT", path, token, [{"Parent_Id": "410888000000117002"}])
    assert (moved.status, "moving a note" in says(moved)["message"]) == (501, True)
    assert says(desk.api("GET", f"Candidates/{ANY}/Notes", token))["data"][0]["Note_Content"] == "after"


@pytest.mark.parametrize("scope", ["ZohoRecruit.modules.notes.ALL", "ZohoRecruit.modules.candidate.ALL"])
def test_notes_of_a_record_are_covered_by_the_scope_of_either(desk, scope):
    token = desk.mint(desk.zoho.new_grant(scope))
    assert desk.api("POST", f"Candidates/{ANY}/Notes", token, [{"Note_Content": "x"}]).status == 201
    assert desk.api("GET", "Notes", token).status == (200 if "notes" in scope else 401)


def test_a_body_says_nothing_beside_its_records_but_what_to_trigger(desk, token):
    def post(content):
        return desk.send("POST", "/recruit/v2/Candidates", body=content, Authorization=f"Zoho-oauthtoken {token}")

    assert post(b'{"data":[{"Last_Name":"X"}],"trigger":["workflow"]}').status == 201
    answer = post(b'{"data":[{"Last_Name":"X"}],"duplicate_check_fields":["Email"]}')
    assert answer.status == 501
    assert "duplicate_check_fields in the body of POST /recruit/v2/Candidates" in says(answer)["message"]


def test_an_uploaded_file_has_the_category_it_was_given(desk, token):
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="cv"\r\n\r\nx\r\n--b--\r\n'
    path = f"Candidates/{ANY}/Attachments"
    for query in ("", "?attachments_category=Resume"):
        sent = desk.send(
            "POST",
            f"/recruit/v2/{path}{query}",
            body=body,
            Authorization=f"Zoho-oauthtoken {token}",
            Content_Type="multipart/form-data; boundary=b",
        )
        assert says(sent)["data"][0]["code"] == "SUCCESS"
    listed = says(desk.api("GET", f"{path}?per_page=2", token))
    assert [file["Category"] for file in listed["data"]] == [None, {"name": "Resume"}]
    assert says(desk.api("GET", f"{path}?page=2&per_page=1", token))["info"]["page"] == 2


def test_the_current_user_is_the_person_who_agreed():
    desk = Desk("us", "eu")
    desk.zoho.new_person(region="eu", name="Anna Brandt")
    ben = desk.zoho.new_person(region="us", name="Ben")
    token = desk.mint(desk.zoho.new_grant(person=ben))
    (user,) = says(desk.api("GET", "users?type=CurrentUser", token))["users"]
    assert (user["full_name"], user["first_name"], user["last_name"], user["email"]) == ("Ben", None, "Ben", ben.email)
    everyone = says(desk.api("GET", "users", token))["users"]
    assert [each["full_name"] for each in everyone] == ["Administrator", "Person 1", "Ben"]
    assert says(desk.api("GET", f"users/{user['id']}", token))["users"] == [user]
    assert desk.api("GET", "users/1", token).status == 400


@pytest.mark.parametrize(
    ("kind", "count"),
    [("AllUsers", 2), ("ActiveConfirmedUsers", 2), ("AdminUsers", 1), ("DeletedUsers", 0), ("DeactiveUsers", 0)],
)
def test_users_are_listed_by_type(desk, token, kind, count):
    answer = desk.api("GET", f"users?type={kind}", token)
    assert (len(says(answer)["users"]) if answer.body else 0) == count


def test_a_type_of_users_that_zoho_does_not_have_is_refused(desk, token):
    answer = desk.api("GET", "users?type=Nobody", token)
    assert (answer.status, "CurrentUser" in says(answer)["message"]) == (400, True)


def test_the_organisation_and_its_modules(desk, token):
    (org,) = says(desk.api("GET", "org", token))["org"]
    assert (org["company_name"], org["primary_email"]) == ("Sample Staffing", "administrator@example.com")
    modules = says(desk.api("GET", "settings/modules", token))["modules"]
    assert [module["api_name"] for module in modules][:2] == ["Candidates", "JobOpenings"]
    assert len({module["id"] for module in modules}) == 6


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("users", "ZohoRecruit.users.READ"),
        ("org", "ZohoRecruit.org.all"),
        ("settings/modules", "ZohoRecruit.settings.READ"),
        ("settings/modules", "ZohoRecruit.settings.modules.READ"),
    ],
)
def test_each_part_has_a_scope_of_its_own(desk, path, scope):
    assert desk.api("GET", path, desk.mint(desk.zoho.new_grant(scope))).status == 200
    for other in ("ZohoRecruit.modules.ALL", "ZohoRecruit.settings.fields.READ", "ZohoCRM.users.READ"):
        refused = desk.api("GET", path, desk.mint(desk.zoho.new_grant(other)))
        assert says(refused)["code"] == "OAUTH_SCOPE_MISMATCH"
