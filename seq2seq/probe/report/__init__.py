"""What was found, for people and machines: verdict, text, tables, page, comparison."""
