"""What a customer could pay instead, as data and as a page: bills as they are, alternatives, and what stands behind."""
