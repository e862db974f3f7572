"""How each runtime reads the credential files: exact models of their readers, block by block."""
