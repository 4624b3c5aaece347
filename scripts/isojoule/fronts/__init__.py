"""All fronts of a study: quality against every cost, on every GPU."""
