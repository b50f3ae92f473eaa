"""The records of a Recruit organisation, including deleted ones: adds, changes and deletes them.

Access has been checked before, and `queries` selects the records to show.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from requests_zohorecruit.sandbox.messages import make_missing
from requests_zohorecruit.sandbox.records import make_initial_records
from requests_zohorecruit.sandbox.served import MODULES

__all__ = ["Modules", "Record"]

Record = dict[str, Any]
_NAMES = ("Full_Name", "Posting_Title", "Client_Name", "Interview_Name", "Note_Title", "Last_Name")


class Modules:
    """All records, by module and id.

    :param timestamp: the time now, as Recruit writes it
    :param first_id: ids count up from here
    """

    def __init__(self, *, timestamp: Callable[[], str], first_id: int) -> None:
        self._timestamp = timestamp
        self._last_id = first_id
        self._records: dict[str, dict[str, Record]] = {module: {} for module in MODULES}
        self._deleted: dict[str, list[Record]] = {module: [] for module in MODULES}
        for module, records in make_initial_records().items():
            for record in records:
                self._add(module, record)

    def list_records(self, module: str) -> list[Record]:
        """Return all records, oldest first."""
        return list(self._records[module].values())

    def list_deleted(self, module: str) -> list[Record]:
        """Return the list of deleted records, as Recruit shows it."""
        return list(self._deleted[module])

    def list_notes(self, module: str, record_id: str) -> list[Record]:
        """Return the notes of a record."""
        about = module, record_id
        return [note for note in self.list_records("Notes") if (note["$se_module"], note["Parent_Id"]["id"]) == about]

    def find(self, module: str, record_id: str) -> Record | None:
        """Return a record, if it exists."""
        return self._records[module].get(record_id)

    def create(self, module: str, record: Record) -> Record:
        """Add a record. Return Recruit's result."""
        for name in MODULES[module]:
            if not record.get(name):
                return _make_result("MANDATORY_NOT_FOUND", "required field not found", {"api_name": name}, "error")
        if module == "Notes":
            parent = self._find_parent(record)
            if parent is None:
                return _make_unknown_id(record["Parent_Id"])
            about, record_id, name = parent
            record = {key: value for key, value in record.items() if key != "se_module"}
            record |= {"$se_module": about, "Parent_Id": {"id": record_id, "name": name}}
        return _make_result("SUCCESS", "record added", self._add(module, record))

    def update(self, module: str, record_id: str, changes: Record) -> Record:
        """Change a record. Return Recruit's result.

        :raises Refused: the change would move a note
        """
        record = self.find(module, record_id)
        if record is None:
            return _make_unknown_id(record_id)
        if any(changes.get(key, record.get(key)) != record.get(key) for key in ("Parent_Id", "$se_module")):
            raise make_missing("moving a note to another record")
        record.update(changes, id=record_id, **self._stamp(module))
        return _make_result("SUCCESS", "record updated", {"id": record_id, "Modified_Time": record["Modified_Time"]})

    def delete(self, module: str, record_id: str, by: Record) -> Record:
        """Move a record and its notes to the recycle bin. Return Recruit's result.

        :param by: name and id of the user
        """
        record = self._records[module].pop(record_id, None)
        if record is None:
            return _make_unknown_id(record_id)
        entry = {"id": record_id, "display_name": _name(record), "type": "recycle", "deleted_by": by}
        self._deleted[module].append(entry | {"deleted_time": self._timestamp()})
        for note in self.list_notes(module, record_id):
            self.delete("Notes", note["id"], by)
        return _make_result("SUCCESS", "record deleted", {"id": record_id})

    def make_id(self) -> str:
        """Return an unused id."""
        self._last_id += 1
        return str(self._last_id)

    def _add(self, module: str, record: Record) -> Record:
        stamp = self._stamp(module)
        made = {"id": self.make_id(), "Created_Time": stamp["Modified_Time"], "Modified_Time": stamp["Modified_Time"]}
        self._records[module][made["id"]] = record | made | stamp
        return made

    def _stamp(self, module: str) -> Record:
        now = self._timestamp()
        return {"Modified_Time": now, "Updated_On": now} if module == "Candidates" else {"Modified_Time": now}

    def _find_parent(self, note: Record) -> tuple[str, str, str] | None:
        """Return module, id and name of the record that a note belongs to."""
        module, parent = str(note["se_module"]), note["Parent_Id"]
        record_id = str(parent.get("id") if isinstance(parent, dict) else parent)
        record = self._records.get(module, {}).get(record_id)
        return None if record is None else (module, record_id, _name(record))


def _name(record: Record) -> str:
    return next((str(record[key]) for key in _NAMES if record.get(key)), "")


def _make_unknown_id(record_id: Any) -> Record:
    return _make_result("INVALID_DATA", "the id given seems to be invalid", {"id": record_id}, "error")


def _make_result(code: str, message: str, details: Record, status: str = "success") -> Record:
    return {"code": code, "details": details, "message": message, "status": status}
