"""bactools: which platforms can run a Bacalhau job, and why not. It imports nothing."""

__version__ = "0.1.0"

# The major version of the line protocol, and the longest line in bytes: upstream allows 10 MiB of inline data, which
# base64 turns into 13.4 MiB; the rest of a record is small.
PROTOCOL = 1
MAX_LINE = 16 * 1024 * 1024
