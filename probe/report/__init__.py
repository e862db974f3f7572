"""What commands print: results, stories, pages of causes, reports about files."""
