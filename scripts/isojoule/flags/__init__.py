"""Quality flags: what a reader should know before trusting a record, and where a study raises them."""
