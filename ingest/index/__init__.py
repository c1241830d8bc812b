"""The shared room: what the writer (`ingest`) and the reader (`assistant`) must agree on.

Nothing here imports from outside this package, so both sides can build on it.
"""
