"""The ingestion worker: files in, searchable passages out."""
