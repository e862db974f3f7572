"""Other clocks, asked now and then, and compared with ours."""
