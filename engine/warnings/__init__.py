"""Warnings kept and delivered: the desk that takes events as they come, its log and memory, and who is told."""
