"""What only AWS knows, one module per matter; infra.preflight asks all of it."""
