"""The fleet's jobs as users of other engines would write them, and what their results must equal."""
