"""One refresh, however many threads, processes and hosts share a grant."""
