"""From evidence to the cause that explains it. Pure; one place per cause, in families/."""
