"""AWS Lambda: functions in execution environments, the Invoke API, and event source mappings."""
