"""Results as files (a table of formats) and as Open3D objects; knows no task."""
