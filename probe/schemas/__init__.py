"""JSON Schema (draft 2020-12) of what the probe reads and writes, made from the Structs themselves."""
