"""The ``auth=`` interface: the Authorization header, handling of a 401, and the hosts that may receive the token."""
