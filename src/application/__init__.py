"""The use cases. They depend on the domain and on ports, and are independent of all adapters."""
