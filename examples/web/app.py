"""Connect Zoho Recruit: a web application in which every user connects a Zoho account of their own.

Try it without a Zoho account, in a clone of the library and on its sandbox::

    pip install flask '.[sandbox]'
    python examples/web/app.py --sandbox
"""

from __future__ import annotations

import argparse
import os
import secrets
from collections.abc import Iterable
from functools import partial
from typing import Any

import requests
from flask import Flask, Response, abort, flash, g, redirect, render_template, request, session, url_for
from grants import Grants
from requests_oauthlib import OAuth2Session
from werkzeug.serving import WSGIRequestHandler

from requests_zohorecruit import (
    AuthorizationError,
    ReauthorizationRequired,
    Region,
    ThrottledError,
    UntrustedHostError,
    ZohoAuthError,
    zohorecruit_compliance_fix,
)

SCOPE = ["ZohoRecruit.modules.ALL"]
USERS = ("ada", "grace", "linus")  # stands for your own login


def create_app(
    *,
    client_id: str,
    client_secret: str | dict[str, str],
    region: str | Region,
    redirect_uri: str,
    database: str,
    secret_key: str,
    more_regions: Iterable[Region] = (),
) -> Flask:
    """Make the application.

    :param client_secret: as registered; a mapping region code -> secret where Zoho issued several
    :param region: where consent begins, which is where the client was registered
    :param redirect_uri: the address of /callback, as registered
    :param database: path of a SQLite file
    :param more_regions: data centres that people may live in, beside `region` and Zoho's: the sandbox has its own
    """
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=secret_key,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",  # sent along when Zoho redirects back, but not with other sites' forms
        SESSION_COOKIE_SECURE=redirect_uri.startswith("https:"),
        MAX_CONTENT_LENGTH=10 * 1024 * 1024,
    )
    home = Region.lookup(region)
    regions = (home, *more_regions)
    grants = Grants(database)

    def zoho() -> OAuth2Session:
        """Return this user's session: their grant, refreshed once for all workers, in the region they live in."""
        g.region = grants.region(g.user, regions)
        return zohorecruit_compliance_fix(
            OAuth2Session(client_id), region=g.region, client_secret=client_secret, store=grants.store(g.user)
        )

    def asking(where: Region, state: str | None = None) -> OAuth2Session:
        """Return a session to get a grant with. What it gets replaces this user's grant, and nothing does before."""
        oauth = OAuth2Session(
            client_id,
            redirect_uri=redirect_uri,
            scope=SCOPE,
            state=state,
            token_updater=partial(grants.replace, g.user),
        )
        return zohorecruit_compliance_fix(oauth, region=where, client_secret=client_secret)

    @app.before_request
    def know_the_user() -> Response | None:
        g.user = session.get("user")
        if g.user is None and request.endpoint not in {"login", "static"}:
            return redirect(url_for("login"))
        return None

    @app.route("/login", methods=["GET", "POST"])
    def login() -> Any:
        if request.method == "GET":
            return render_template("login.html", users=USERS)
        if request.form.get("user") not in USERS:
            abort(400)
        session.clear()
        session["user"] = request.form["user"]
        return redirect(url_for("index"))

    @app.get("/")
    def index() -> str:
        if not grants.connected(g.user):
            return render_template("connect.html")
        answer = zoho().get(f"{g.region.recruit_url}/recruit/v2/Candidates", params={"per_page": 50}, timeout=30)
        answer.raise_for_status()
        # An empty list is 204 without a body.
        return render_template("candidates.html", candidates=answer.json()["data"] if answer.content else [])

    @app.post("/connect")
    def connect() -> Any:
        address, session["state"] = asking(home).authorization_url(home.authorize_url)
        return redirect(address)

    @app.get("/callback")
    def callback() -> Any:
        state = session.pop("state", None)  # good for one callback
        where = Region.from_callback(request.url, extra=regions)
        asking(where, state).fetch_token(where.token_url, authorization_response=request.url)
        flash("Your Zoho Recruit account is connected.")
        return redirect(url_for("index"))

    @app.post("/candidates/<candidate>/resume")
    def upload(candidate: str) -> Any:
        file = request.files.get("resume")
        if not (candidate.isdigit() and file and file.filename):
            abort(400)
        oauth = zoho()
        address = f"{g.region.recruit_url}/recruit/v2/Candidates/{candidate}/Attachments"
        oauth.post(address, files={"file": (file.filename, file.stream)}, timeout=60).raise_for_status()
        flash(f"{file.filename} is in Zoho Recruit now.")
        return redirect(url_for("index"))

    @app.post("/disconnect")
    def disconnect() -> Any:
        zoho().auth.revoke()
        flash("Zoho has revoked the grant; nothing of it is kept here.")
        return redirect(url_for("index"))

    @app.errorhandler(requests.RequestException)
    def problem(error: requests.RequestException) -> Any:
        text = error.message if isinstance(error, ZohoAuthError) else "Zoho Recruit did not do what it was asked to."
        page: dict[str, Any] = {"title": "Zoho is not available", "text": text, "again": False}
        status, headers = 502, {}
        if isinstance(error, (AuthorizationError, UntrustedHostError)):
            refused = error.code == "access_denied"
            page |= {"title": "You did not give access" if refused else "This did not come from Zoho", "again": True}
            status = 403
        elif isinstance(error, ReauthorizationRequired):
            page |= {"title": "Please connect again", "again": True}
            status = 403
        elif isinstance(error, ThrottledError):
            page |= {"title": "Zoho asks for patience", "text": f"Try again in {error.retry_after:.0f} seconds."}
            status, headers = 503, {"Retry-After": f"{error.retry_after:.0f}"}
        return render_template("problem.html", **page), status, headers

    return app


class RequestHandler(WSGIRequestHandler):
    """Werkzeug's, but for its log: the query of a callback holds a code. Tell your own server the same."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log a request without its query."""
        self.path = self.path.partition("?")[0]
        super().log_request(code, size)


def main() -> None:
    """Serve it on this machine, for trying it out. In production, use a WSGI server behind https."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sandbox", action="store_true", help="use the sandbox Zoho instead of a real one")
    parser.add_argument("--port", type=int, default=5000)
    options = parser.parse_args()
    common = {
        "redirect_uri": f"http://127.0.0.1:{options.port}/callback",
        "database": os.environ.get("DATABASE", "grants.db"),
        "secret_key": os.environ.get("SECRET_KEY") or secrets.token_hex(),
    }
    if not options.sandbox:
        create_app(
            client_id=os.environ["ZOHORECRUIT_CLIENT_ID"],
            client_secret=os.environ["ZOHORECRUIT_CLIENT_SECRET"],
            region=os.environ["ZOHORECRUIT_REGION"],
            **common,
        ).run(port=options.port, request_handler=RequestHandler)
        return
    from requests_zohorecruit.sandbox import Sandbox  # noqa: PLC0415 - only needed here

    with Sandbox(redirect_uris=(common["redirect_uri"],), regions=("us", "eu")) as sandbox:
        sandbox.new_person(region="eu", name="Anna Brandt")  # the consent page asks who is there
        client = sandbox.new_client(secret_per_region=True)
        os.environ["REQUESTS_CA_BUNDLE"] = sandbox.ca_bundle
        common["database"] = os.path.join(os.path.dirname(sandbox.ca_bundle), "grants.db")  # noqa: PTH118, PTH120
        create_app(
            client_id=client.client_id,
            client_secret=client.client_secret,
            region=sandbox.region,
            more_regions=sandbox.regions.values(),
            **common,
        ).run(port=options.port, request_handler=RequestHandler)


if __name__ == "__main__":
    main()
