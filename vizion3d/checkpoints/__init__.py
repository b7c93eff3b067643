"""From what a user names (a model, a URL, a path) to a verified checkpoint file here."""
