"""Where a job's inputs come from: one file for each of Bacalhau's source types."""
