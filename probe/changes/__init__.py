"""What differs between the attempts of one target, and its sentences. Pure."""
