"""What both sides of a connection share: problems, header names, packed arrays, RPCs."""
