"""The gRPC server: translates RPCs into commands and results into messages."""
