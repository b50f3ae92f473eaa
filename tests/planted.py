"""The application and grant of the tests; where a secret of theirs turns up, ``planted`` is found."""

from requests_zohorecruit.accounts import Application

CLIENT_ID = "1000.CLIENT"
CLIENT_SECRET = "planted-client-secret"
GRANT = "1000.planted-refresh-token"
APPLICATION = Application.create(CLIENT_ID, CLIENT_SECRET, "eu")
