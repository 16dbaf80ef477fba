"""Images in files of this host: OCI image layouts, as folders or tar archives, and what ``docker save`` writes."""
