"""The commands: options, one call, emit."""
