"""Zoho's side of OAuth: data centres, tokens, consent, the token endpoint, and the meaning of its responses."""
