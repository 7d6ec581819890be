"""The composition root: the one place that knows which adapter fills which port."""
