"""What scenarios import from the Python program of this name, for hosts without it: see ovirtlago/_pytest_plugin.py."""
