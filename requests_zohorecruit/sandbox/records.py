"""The people, openings and companies every sandbox starts with.

All of them are fictitious: addresses are at example.com, and telephone numbers are reserved for fiction.
"""

from __future__ import annotations

from typing import Any

__all__ = ["make_initial_records"]

_CANDIDATES = """
Amara | Okafor | +44 7700 900112 | Leeds | United Kingdom | Backend Engineer | Hartwell Mutual |
    7 | Python, PostgreSQL, Kafka | MSc Computer Science | Interview-Scheduled | Referral
Benedikt | Auer | +49 30 23125 014 | Berlin | Germany | Data Analyst | Spreebogen Logistik |
    4 | SQL, dbt, Tableau | BSc Statistics | New | Career Site
Chiara | Fontana | +39 06 5550 0131 | Rome | Italy | UX Researcher | Studio Meridiana |
    6 | Interviews, Diary studies, Figma | MA Psychology | Qualified | LinkedIn
Dewi | Pritchard | +44 7700 900458 | Cardiff | United Kingdom | Payroll Specialist | Taff Vale Foods |
    11 | PAYE, Sage, Pensions | CIPP Diploma | Associated | Job Board
Emiko | Hayashi | +81 3 5550 0172 | Yokohama | Japan | Embedded Engineer | Shiokaze Robotics |
    9 | C, RTOS, CAN bus | MEng Electronics | Offer-Made | Referral
Farid | Rahmani | +1 416 555 0109 | Toronto | Canada | Site Reliability Engineer | Maplecroft Health |
    8 | Kubernetes, Go, Terraform | BEng Software | Interview-Scheduled | LinkedIn
Grace | Whitcombe | +61 491 570 156 | Hobart | Australia | Nurse Manager | Derwent Clinics |
    15 | Rostering, Triage, Audit | BNurs | New | Career Site
Hélène | Marchand | +33 1 99 00 41 20 | Lyon | France | Patent Paralegal | Cabinet Roussel-Vidal |
    5 | EPO filings, Docketing | Licence Droit | Qualified | Agency
Ishaan | Kulkarni | +91 20 5550 0188 | Pune | India | QA Automation Engineer | Monsoon Pay |
    3 | Playwright, pytest, JMeter | BTech IT | New | Job Board
Jorunn | Solheim | +47 5550 0143 | Bergen | Norway | Marine Surveyor | Nordhav Klasse |
    12 | Hull inspection, ISM audits | MSc Naval Architecture | Hired | Referral
Kwame | Mensah-Boateng | +1 202 555 0164 | Washington | United States | Grants Manager | Open Harvest Fund |
    10 | Budgeting, Reporting, Salesforce | MPA | Unqualified | Career Site
Lucía | del Río | +34 91 5550 118 | Valencia | Spain | Frontend Engineer | Naranja Labs |
    2 | TypeScript, Vue, Accessibility | Grado en Informática | Associated | Agency
"""

_OPENINGS = """
Senior Backend Engineer | Hartwell Mutual | Leeds | United Kingdom | Full time | In-progress | 2 | Technology
Embedded Software Engineer | Shiokaze Robotics | Yokohama | Japan | Full time | In-progress | 1 | Technology
Payroll Team Lead | Taff Vale Foods | Cardiff | United Kingdom | Full time | Waiting for approval | 1 | Finance
Clinical Operations Nurse | Derwent Clinics | Hobart | Australia | Part time | Filled | 3 | Health Care
"""

_CLIENTS = """
Hartwell Mutual | +44 113 4960 120 | Leeds | United Kingdom | Insurance
Shiokaze Robotics | +81 3 5550 0170 | Yokohama | Japan | Manufacturing
Taff Vale Foods | +44 29 2018 0455 | Cardiff | United Kingdom | Food
Derwent Clinics | +61 3 5550 0150 | Hobart | Australia | Health Care
"""

_CONTACTS = """
Nadia | Sternberg | nadia.sternberg@example.com | Hartwell Mutual | Head of Engineering
Owain | Bevan | owain.bevan@example.com | Taff Vale Foods | Finance Director
Priya | Raman | priya.raman@example.com | Derwent Clinics | Director of Nursing
"""

_INTERVIEWS = """
First talk with Amara Okafor | Amara Okafor | Senior Backend Engineer | Hartwell Mutual | Internal Interview
Panel with Farid Rahmani | Farid Rahmani | Senior Backend Engineer | Hartwell Mutual | Level 1 Interview
"""

_CANDIDATE_FIELDS = (
    "First_Name", "Last_Name", "Mobile", "City", "Country", "Current_Job_Title", "Current_Employer",
    "Experience_in_Years", "Skill_Set", "Highest_Qualification_Held", "Candidate_Status", "Source",
)  # fmt: skip
_CLIENT_FIELDS = ("Client_Name", "Contact_Number", "City", "Country", "Industry")
_CONTACT_FIELDS = ("First_Name", "Last_Name", "Email", "Client_Name", "Job_Title")
_INTERVIEW_FIELDS = ("Interview_Name", "Candidate_Name", "Posting_Title", "Client_Name", "Type")
_OPENING_FIELDS = (
    "Posting_Title", "Client_Name", "City", "Country", "Job_Type", "Job_Opening_Status", "Number_of_Positions",
    "Industry",
)  # fmt: skip


def make_initial_records() -> dict[str, list[dict[str, Any]]]:
    """Return fresh copies: module name -> records as Recruit lists them, without ``id``."""
    candidates = _parse_table(_CANDIDATES, _CANDIDATE_FIELDS)
    for number, candidate in enumerate(candidates, start=1):
        candidate["Full_Name"] = f"{candidate['First_Name']} {candidate['Last_Name']}"
        candidate["Email"] = f"candidate{number:02}@example.com"
        candidate["Experience_in_Years"] = int(candidate["Experience_in_Years"])
    contacts = _parse_table(_CONTACTS, _CONTACT_FIELDS)
    for contact in contacts:
        contact["Full_Name"] = f"{contact['First_Name']} {contact['Last_Name']}"
    return {
        "Candidates": candidates,
        "JobOpenings": _parse_table(_OPENINGS, _OPENING_FIELDS),
        "Clients": _parse_table(_CLIENTS, _CLIENT_FIELDS),
        "Contacts": contacts,
        "Interviews": _parse_table(_INTERVIEWS, _INTERVIEW_FIELDS),
    }


def _parse_table(text: str, names: tuple[str, ...]) -> list[dict[str, Any]]:
    lines = text.strip().replace("|\n", "|").splitlines()
    return [dict(zip(names, map(str.strip, line.split("|")), strict=True)) for line in lines]
