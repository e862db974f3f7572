"""Certificate and key files become certificates, keys and findings; the only room that reads keys."""
