"""Certificate and key files become `Credentials` and their faults; no secret leaves this room."""
