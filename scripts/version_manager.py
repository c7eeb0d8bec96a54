#!/bin/sh
# The name that the guide knows; for a shell and for Python alike.
''':'
exec "$(dirname "$(readlink -f "$0")")/version_manager" "$@"
'''
import os, sys
program = os.path.join(os.path.dirname(os.path.realpath(__file__)), "version_manager")
os.execv(program, [program] + sys.argv[1:])
