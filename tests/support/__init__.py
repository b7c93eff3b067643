"""What several tests need: checkpoints, photos, servers."""
