"""The reference Asset Management System: consumes the ingest queue and fills the asset table."""
