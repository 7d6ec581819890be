"""What commands print: tables and progress for people, one JSON document for programs, errors."""
