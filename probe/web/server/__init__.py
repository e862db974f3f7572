"""How the web application is served: TLS, client certificates, passwords, limits."""
