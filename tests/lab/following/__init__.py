"""Following printed steps by the letter: two real Collectors, a person with CAs, and a shell."""
