"""Where a run's results can be published."""
