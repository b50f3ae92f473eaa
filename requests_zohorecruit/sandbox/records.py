"""The people, openings and companies every sandbox starts with.

All of them are fictitious: addresses are at example.com, and telephone numbers are reserved for fiction.
"""

from __future__ import annotations

import csv
from typing import Any

__all__ = ["make_initial_records"]

_CANDIDATES = """
First_Name; Last_Name; Mobile; City; Country; Current_Job_Title; Experience_in_Years; Skill_Set; Candidate_Status
Amara; Okafor; +44 7700 900112; Leeds; United Kingdom; Backend Engineer; 7; Python, PostgreSQL, Kafka; Associated
Benedikt; Auer; +49 30 23125 014; Berlin; Germany; Data Analyst; 4; SQL, dbt, Tableau; New
Chiara; Fontana; +39 06 5550 0131; Rome; Italy; UX Researcher; 6; Interviews, Figma; Qualified
Dewi; Pritchard; +44 7700 900458; Cardiff; United Kingdom; Payroll Specialist; 11; PAYE, Pensions; Associated
Emiko; Hayashi; +81 3 5550 0172; Yokohama; Japan; Embedded Engineer; 9; C, RTOS, CAN bus; Offer-Made
Farid; Rahmani; +1 416 555 0109; Toronto; Canada; Site Reliability Engineer; 8; Kubernetes, Go; Interview-Scheduled
Grace; Whitcombe; +61 491 570 156; Hobart; Australia; Nurse Manager; 15; Rostering, Triage, Audit; New
Hélène; Marchand; +33 1 99 00 41 20; Lyon; France; Patent Paralegal; 5; EPO filings, Docketing; Qualified
Ishaan; Kulkarni; +91 20 5550 0188; Pune; India; QA Automation Engineer; 3; Playwright, JMeter; New
Jorunn; Solheim; +47 5550 0143; Bergen; Norway; Marine Surveyor; 12; Hull inspection, ISM audits; Hired
Kwame; Mensah-Boateng; +1 202 555 0164; Washington; United States; Grants Manager; 10; Budgeting, Reporting; Unqualified
Lucía; del Río; +34 91 5550 118; Valencia; Spain; Frontend Engineer; 2; TypeScript, Vue; Associated
"""

_OPENINGS = """
Posting_Title; Client_Name; City; Country; Job_Opening_Status
Senior Backend Engineer; Hartwell Mutual; Leeds; United Kingdom; In-progress
Embedded Software Engineer; Shiokaze Robotics; Yokohama; Japan; In-progress
Payroll Team Lead; Taff Vale Foods; Cardiff; United Kingdom; Waiting for approval
Clinical Operations Nurse; Derwent Clinics; Hobart; Australia; Filled
"""

_CLIENTS = """
Client_Name; Contact_Number; City; Country
Hartwell Mutual; +44 113 4960 120; Leeds; United Kingdom
Shiokaze Robotics; +81 3 5550 0170; Yokohama; Japan
Taff Vale Foods; +44 29 2018 0455; Cardiff; United Kingdom
Derwent Clinics; +61 3 5550 0150; Hobart; Australia
"""

_CONTACTS = """
First_Name; Last_Name; Email; Client_Name; Job_Title
Nadia; Sternberg; nadia.sternberg@example.com; Hartwell Mutual; Head of Engineering
Owain; Bevan; owain.bevan@example.com; Taff Vale Foods; Finance Director
Priya; Raman; priya.raman@example.com; Derwent Clinics; Director of Nursing
"""

_INTERVIEWS = """
Interview_Name; Candidate_Name; Posting_Title; Client_Name; Type
First talk with Amara Okafor; Amara Okafor; Senior Backend Engineer; Hartwell Mutual; Internal Interview
Panel with Farid Rahmani; Farid Rahmani; Senior Backend Engineer; Hartwell Mutual; Level 1 Interview
"""


def make_initial_records() -> dict[str, list[dict[str, Any]]]:
    """Return fresh copies: module name -> records as Recruit lists them, without ``id``."""
    candidates = _read_table(_CANDIDATES)
    for number, candidate in enumerate(candidates, start=1):
        candidate["Full_Name"] = f"{candidate['First_Name']} {candidate['Last_Name']}"
        candidate["Email"] = f"candidate{number:02}@example.com"
        candidate["Experience_in_Years"] = int(candidate["Experience_in_Years"])
    contacts = _read_table(_CONTACTS)
    for contact in contacts:
        contact["Full_Name"] = f"{contact['First_Name']} {contact['Last_Name']}"
    return {
        "Candidates": candidates,
        "JobOpenings": _read_table(_OPENINGS),
        "Clients": _read_table(_CLIENTS),
        "Contacts": contacts,
        "Interviews": _read_table(_INTERVIEWS),
    }


def _read_table(text: str) -> list[dict[str, Any]]:
    return list(csv.DictReader(text.strip().splitlines(), delimiter=";", skipinitialspace=True))
