"""The refresh engine: one refresh, however many threads, processes and hosts share a grant."""
