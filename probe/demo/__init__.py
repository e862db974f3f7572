"""What `mtls-probe demo` shows: a throwaway PKI and one backend per documented cause."""
