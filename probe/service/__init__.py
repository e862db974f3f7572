"""The service: pipeline, schedule, reload, probing on demand. It wires the other rooms together."""
