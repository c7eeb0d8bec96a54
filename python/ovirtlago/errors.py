"""What goes wrong on this side of a guest."""


class LagoError(Exception):
    """The program "lago" did not do what it was asked for; the text is its own."""
