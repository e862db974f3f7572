"""The HTML pages, and the parts that they are built from."""
