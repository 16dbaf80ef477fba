"""The outside world, one thing to a file: every edge raises core errors and returns core values."""
