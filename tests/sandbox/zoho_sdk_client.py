"""The token layer of Zoho's own SDK, driven against a sandbox in a process of its own: the SDK keeps global state.

Reads facts as JSON from standard input, prints what happened as JSON. Knows nothing of this library.
"""

from __future__ import annotations

import json
import sys

from zohocrmsdk.src.com.zoho.api.authenticator import OAuthToken
from zohocrmsdk.src.com.zoho.api.authenticator.store import TokenStore
from zohocrmsdk.src.com.zoho.crm.api import Initializer
from zohocrmsdk.src.com.zoho.crm.api.dc import DataCenter
from zohocrmsdk.src.com.zoho.crm.api.exception import SDKException
from zohocrmsdk.src.com.zoho.crm.api.util import Constants


class Nowhere(TokenStore):
    """Keeps nothing, so that every token here comes from the sandbox."""

    def find_token(self, token):
        return None

    def find_token_by_id(self, id):  # noqa: A002 - the SDK's name
        return None

    def save_token(self, token):
        pass

    delete_token = delete_tokens = save_token

    def get_tokens(self):
        return []


def main():
    facts = json.load(sys.stdin)
    token_url = facts["token_url"]
    environment = DataCenter.Environment(facts["url"], token_url, facts["url"])
    application = {"client_id": facts["client_id"], "client_secret": facts["client_secret"]}
    token = OAuthToken(**application, grant_token=facts["code"], redirect_url=facts["redirect_uri"], find_user=False)
    Initializer.initialize(environment=environment, token=token, store=Nowhere(), resource_path=facts["directory"])
    told = {"exchanged": token.get_token(), "refresh_token": token.get_refresh_token()}
    told["expires_in"] = int(token.get_expires_in())
    again = OAuthToken(**application, refresh_token=token.get_refresh_token(), find_user=False)
    told["refreshed"] = again.get_token()
    told["revoked"] = OAuthToken.revoke_refresh_token(token.get_refresh_token(), token_url + Constants.REVOKE_URL)
    try:
        OAuthToken(**application, refresh_token=token.get_refresh_token(), find_user=False).get_token()
    except SDKException as error:
        told["error"] = str(vars(error))  # its message is a template that it does not fill in
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
