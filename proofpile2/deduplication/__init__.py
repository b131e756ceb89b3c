"""Exact and near duplicates: signatures, band joins on disk, clusters."""
