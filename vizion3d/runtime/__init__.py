"""What runs the network: one module a framework, behind the protocol of ``base``."""
