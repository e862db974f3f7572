"""Files of variables, `NAME=value`: each program that reads them has rules of its own."""
