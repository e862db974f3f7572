"""The causes, one module per family of like causes."""
