"""What several commands do with several edges at once: gather the host, resolve a job, run it."""
