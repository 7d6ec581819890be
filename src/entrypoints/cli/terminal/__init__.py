"""The output of commands: tables and progress, or one JSON document; and errors."""
