"""The servers: adapters that translate requests into commands and queries."""
