"""Files of docker compose: the services, their variables and the files that they see."""
