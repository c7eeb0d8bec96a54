#!/bin/bash
# Builds the packages of this directory and makes a repository of them in `repo` beside: the "external" repository
# from which `lagocli ovirt reposetup` synchronises. Needs rpmbuild and createrepo_c.
#
# usage: build.sh [DIST]    DIST: what stands behind the dot in their release; default: mini, the guests' distribution

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dist=${1:-mini}

for program in rpmbuild createrepo_c; do
    command -v "$program" > /dev/null || {
        echo "ERROR: $program is not installed, and the packages of the suite are built with it" >&2
        exit 1
    }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The guest unpacks gzip; the default of new rpms is zstd.
for spec in "$here"/*.spec; do
    rpmbuild --quiet -bb --nodeps \
        --define "_topdir $work" \
        --define "_sourcedir $here/$(basename "$spec" .spec)" \
        --define "_binary_payload w9.gzdio" \
        --define "dist .$dist" \
        "$spec"
done

rm -rf "$here/repo"
mkdir "$here/repo"
mv "$work"/RPMS/noarch/*.rpm "$here/repo/"
createrepo_c --quiet "$here/repo"
