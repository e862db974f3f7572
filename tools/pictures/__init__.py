"""Makes the pictures of README.md from what the product really prints and serves (`make pictures`).

Each picture is bound to what it was made from: a terminal's picture holds its text, a page's picture
the digest of the HTML that is recorded in `recorded/`. `tests/release/test_pictures.py` compares both
with what the product does today.
"""
