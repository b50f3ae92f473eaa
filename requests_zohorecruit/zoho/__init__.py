"""Zoho itself: data centres, tokens, consent, the token endpoint, and what their answers mean."""
