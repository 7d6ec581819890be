"""Schedules of connectors: setting them, keeping what runs them up to date, and their runs."""
