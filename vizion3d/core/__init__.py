"""Message types and buses (CQRS), and the composition root that wires them."""
