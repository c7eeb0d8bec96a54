#!/bin/bash
# Installs the engine. It is set up by the first scenario.

set -euo pipefail

yum install -y ovirt-engine

cat > /root/iso-uploader.conf << END
[ISOUploader]
user=admin@internal
passwd=123
engine=localhost:443
END
