"""The command `isojoule`: one module per subcommand, and what all of them share."""
