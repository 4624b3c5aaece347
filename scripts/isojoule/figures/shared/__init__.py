"""What several figures share: reading of tables, styles, panels, and the parts of a family of figures."""
