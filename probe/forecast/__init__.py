"""What will break by itself, and when: judged from what attempts saw, as of any moment."""
