"""Write the page of a study, and what a model card says of one architecture."""
