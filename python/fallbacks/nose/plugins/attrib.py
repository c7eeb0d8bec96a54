"""Attributes of tests, which nose could choose by; "lago ovirt runtest" runs them all."""


def attr(*names, **values):
    """Each name is true, each value as given."""
    def decorate(test):
        for name in names:
            setattr(test, name, True)
        for name, value in values.items():
            setattr(test, name, value)
        return test

    return decorate
