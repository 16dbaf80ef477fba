"""Facts and decisions: values in, values out; no input, no output, no clock, no host."""
