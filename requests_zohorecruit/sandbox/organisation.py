"""Recruit's own data: users, organisation and modules.

The people are those with an account in one data centre. Everything else about them is made up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from requests_zohorecruit.sandbox.grants import Holder
from requests_zohorecruit.sandbox.messages import Answer, json_answer, make_invalid
from requests_zohorecruit.sandbox.registry import Person
from requests_zohorecruit.sandbox.served import MODULES

__all__ = ["Organisation"]

_ADMINISTRATOR = "administrator@example.com"
_EVERYONE = ("AllUsers", "ActiveUsers", "ConfirmedUsers", "ActiveConfirmedUsers")
_ADMINISTRATORS = ("AdminUsers", "ActiveConfirmedAdmins")
_NOBODY = ("DeactiveUsers", "NotConfirmedUsers", "DeletedUsers")


class Organisation:
    """The users are the people of this data centre, and an administrator without an account.

    :param people: returns the people whose account is here
    :param first_id: ids of users count up from here
    """

    def __init__(self, people: Callable[[], list[Person]], first_id: int) -> None:
        self._people = people
        self._first_id = first_id

    def find_user(self, holder: Holder) -> dict[str, Any]:
        """Return the user who acts with a token: the person who consented, or else the administrator."""
        return next(user for user in self._list_users() if user["email"] == (holder.person or _ADMINISTRATOR))

    def answer_users(self, query: Mapping[str, str], holder: Holder) -> Answer:
        """List users of one type.

        :raises Refused: there is no such type
        """
        users, kind = self._list_users(), query.get("type", "AllUsers")
        if kind == "CurrentUser":
            users = [self.find_user(holder)]
        elif kind in _ADMINISTRATORS:
            users = users[:1]
        elif kind in _NOBODY:
            return Answer(204)
        elif kind not in _EVERYONE:
            raise make_invalid(f"type is one of {', '.join(('CurrentUser', *_EVERYONE, *_ADMINISTRATORS, *_NOBODY))}")
        return json_answer({"users": users})

    def answer_user(self, user_id: str) -> Answer:
        """Return one user.

        :raises Refused: there is no such user
        """
        users = [user for user in self._list_users() if user["id"] == user_id]
        if not users:
            raise make_invalid("the id given seems to be invalid", {"id": user_id})
        return json_answer({"users": users})

    def answer_organisation(self) -> Answer:
        """Return the organisation's data."""
        users = self._list_users()
        org = {
            "company_name": "Sample Staffing",
            "type": "Staffing agency",
            "primary_email": _ADMINISTRATOR,
            "primary_userid": users[0]["id"],
            "employee_count": len(users),
            "country": "Portugal",
            "country_code": "PT",
            "time_zone": "Etc/UTC",
            "iso_code": "EUR",
            "mc_status": False,
            "license_details": {"plan_type": "enterprise", "no_of_users": len(users)},
        }
        return json_answer({"org": [org]})

    def answer_modules(self) -> Answer:
        """List the modules."""
        rights = dict.fromkeys(("api_supported", "creatable", "editable", "deletable", "viewable"), True)
        modules = [
            {"id": str(self._first_id + number), "api_name": name, "module_name": name, "plural_label": name, **rights}
            for number, name in enumerate(MODULES, start=101)
        ]
        return json_answer({"modules": modules})

    def _list_users(self) -> list[dict[str, Any]]:
        known = [("Administrator", _ADMINISTRATOR), *((person.name, person.email) for person in self._people())]
        return [
            {
                "id": str(self._first_id + number),
                "full_name": name,
                "first_name": name.rpartition(" ")[0] or None,
                "last_name": name.rpartition(" ")[2],
                "email": email,
                "status": "active",
                "confirm": True,
                "profile": {"name": "Administrator" if email == _ADMINISTRATOR else "Standard"},
            }
            for number, (name, email) in enumerate(known, start=1)
        ]
