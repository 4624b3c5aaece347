"""What a study's configuration may say: the types of its sections, how it is read, and how a mistake is told."""
