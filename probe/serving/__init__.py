"""How the web application is served: TLS, client certificates, passwords, headers, a rate limit.

All of it is said by one file in the format of Prometheus's exporter-toolkit, read again on change.
"""
