"""Small clients of Node, bun and deno, and what runs each of them into every fault."""
