#!/bin/sh
# The name that the guide knows; for a shell and for Python alike.
''':'
exec "$(dirname "$0")/version_manager" "$@"
'''
import os, sys
program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "version_manager")
os.execv(program, [program] + sys.argv[1:])
