"""The other engines, each a program that takes the options of ours and prints the same lines."""
