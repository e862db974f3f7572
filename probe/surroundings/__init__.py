"""Files and networks as others have them: this host's, a running process's, a container's."""
