"""Amazon API Gateway: an HTTP API that invokes a function with payload format 2.0."""
