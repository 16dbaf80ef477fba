"""The process: streams, shared options, tables, progress, signals and the way every run ends."""
