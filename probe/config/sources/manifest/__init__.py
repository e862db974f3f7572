"""Targets from Kubernetes objects and Helm values: what would run in a cluster, read before it does."""
