"""Readings of the evidence that several causes share: pure functions of one `Evidence`."""
