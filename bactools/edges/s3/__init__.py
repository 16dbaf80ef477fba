"""Amazon S3 and what speaks its language: where inputs come from and results are published."""
