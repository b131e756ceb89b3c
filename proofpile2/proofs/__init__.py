"""Proof steps of Lean, Isabelle and Coq: what a model for tactics learns from."""
