"""What builds and deploys; run with `python -m tools.<module>`, by infra.mk."""
