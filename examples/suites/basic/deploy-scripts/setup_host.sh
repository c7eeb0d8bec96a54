#!/bin/bash
# Installs what makes a machine a host of the engine.

set -euo pipefail

yum install -y vdsm

for service in supervdsmd vdsmd; do
    chkconfig "$service" on
    service "$service" start
done
