"""What a study's configuration may contain, how it is read, and how its mistakes are worded."""
