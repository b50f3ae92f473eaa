"""Reading what arrived at a sandbox."""


def arrived(zoho, path):
    """Return the requests whose path ends with `path`."""
    return [each for each in zoho.received if each["path"].endswith(path)]
