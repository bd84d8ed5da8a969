"""What is raised for the user's data."""


class DataError(ValueError):
    """A defect of the user's data; the message is one line: what, which file, how to mend it."""
