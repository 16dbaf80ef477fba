"""Registries, by the OCI distribution specification: whom to be there, and the content that they hold."""
