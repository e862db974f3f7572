"""Other clocks, asked now and then, and what they say of ours."""
