"""What scenarios written for nose import from it, for hosts without nose: see ovirtlago/_pytest_plugin.py."""
from unittest import SkipTest

__all__ = ['SkipTest']
