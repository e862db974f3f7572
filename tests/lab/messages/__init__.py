"""A laboratory of messages: what real clients and a Go server print for each fault."""
