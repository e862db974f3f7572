"""A release: is the tree ready, and the files that are published, the same bytes each time."""
