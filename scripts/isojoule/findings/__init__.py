"""What a study found, in a few sentences made by rules from its tables."""
