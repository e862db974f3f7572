"""Configuration: from YAML, an SDK's environment or arguments to plain `Target` values.

- `loader` loads everything: `load_configuration` for a file, `load_from_environment` without one,
  `ConfigurationLoader` for http_sd's lists besides. The result is a `configuration.Configuration`.
- A file is read by `file_reader`, parsed by `yaml_document`, its references are expanded by
  `expand`, and it is converted by `typed_values` to the Structs of `schema`. `check_settings`,
  `target_entry` and `sections` judge what the Structs hold. `location` makes their errors.
- `declared_source` is one item of `sources` and knows how it is read (`sources/`);
  `source_reader` reads all of them again and again and keeps what they held before.
- `target_list` makes one list of all targets: merged, named, and this probe's share.
"""
