"""The wire contract, generated from ``protos/lifting.proto`` by ``make protos``."""
