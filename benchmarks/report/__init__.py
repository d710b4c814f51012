"""Documents from the boards' records: the page with pictures, and the tables in README and docs."""
