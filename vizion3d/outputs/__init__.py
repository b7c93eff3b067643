"""What a result is packaged as: Open3D objects in memory, and files."""
