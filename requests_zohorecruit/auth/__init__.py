"""``auth=``: the header, what a 401 leads to, and which hosts may have the token."""
