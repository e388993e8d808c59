"""Other ways to compute the two bills, each as good as its author could make it, and all of them exact."""
