"""Traces by OpenTelemetry; the packages come with the extra `traces`."""
