"""Rebuild Proof-Pile-2 from raw sources to the binaries a trainer memory-maps."""
