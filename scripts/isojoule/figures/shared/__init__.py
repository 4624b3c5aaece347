"""What several figures share: style, comparison of platforms, fits, fronts."""
