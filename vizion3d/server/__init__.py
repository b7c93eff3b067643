"""REST and gRPC servers: thin adapters over the command bus, and what makes them servers."""
