"""Configurations of any shape, for property tests."""

from hypothesis import strategies as st

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
words = st.sampled_from(
    [
        "https://c:4317",
        "c:4317",
        "grpc",
        "canary",
        "${env:A}",
        "${yaml:[1]}",
        "1.2",
        "5s",
        "environment",
    ]
)
keys = st.sampled_from(
    [
        "targets",
        "defaults",
        "sources",
        "modules",
        "tls",
        "headers",
        "labels",
        "endpoint",
        "name",
        "interval",
        "protocol",
        "expect",
        "cause",
        "sdk",
        "web",
        "listen",
        "clock",
        "tolerance",
        "ca_file",
        "ca_pem",
        "cipher_suites",
        "shard",
        "count",
        "concurrency",
        "depth",
        "resource",
    ]
)
trees = st.recursive(
    scalars | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys | st.text(max_size=4), inner),
    max_leaves=12,
)
targets = st.lists(
    st.fixed_dictionaries(
        {"endpoint": words}, optional={"tls": trees, "headers": trees, "name": trees}
    ),
    max_size=3,
)
