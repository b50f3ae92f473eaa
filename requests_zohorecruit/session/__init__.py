"""The compliance fix for requests-oauthlib's `OAuth2Session`."""
