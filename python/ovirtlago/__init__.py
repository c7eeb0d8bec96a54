"""For scenarios that "lago ovirt runtest" runs: the environment, and helpers for tests.

Everything is done by the program "lago" itself; this package only calls it and reads what it prints. It needs nothing
but Python's own library, 2.7 or 3.
"""
from ovirtlago.errors import LagoError
from ovirtlago.prefix import OvirtPrefix

__all__ = ['LagoError', 'OvirtPrefix']
