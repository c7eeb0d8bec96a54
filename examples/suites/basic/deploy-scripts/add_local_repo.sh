#!/bin/bash
# Makes the internal repository known to the guest. Lago serves it while scripts and scenarios run, on the first
# address of the guest's network.

set -euo pipefail

# A distribution with RPMs would say "el7" or "fc23"; it is what the templates' metadata call "distro".
dist=$(sed -n 's/^ID=//p' /etc/os-release)
address=$(ip -4 -o addr show eth0 | sed -n 's,.* inet \([0-9.]*\)/.*,\1,p')

mkdir -p /etc/yum.repos.d
cat > /etc/yum.repos.d/local-ovirt.repo << END
[localsync]
name=Latest oVirt packages, synchronised by Lago
baseurl=http://${address%.*}.1:8585/$dist/
enabled=1
skip_if_unavailable=1
gpgcheck=0
END

# The rest is for guests without yum: a stand-in that knows one command.
if command -v yum > /dev/null; then exit; fi
mkdir -p /usr/local/bin
cat > /usr/local/bin/yum << 'END'
#!/bin/bash
# Stand-in for yum, of busybox's programs: installs packages, and those of the same repository that they require.
#
# usage: yum install -y PACKAGE...

set -euo pipefail

fail() {
    echo "yum (stand-in): $*" >&2
    exit 1
}

fetch() {
    wget -q -O "$2" "$url/$1" || fail "cannot fetch $url/$1"
}

# Writes a line for every package: name, checksum, file, what it requires.
read_repository() {
    local primary
    fetch repodata/repomd.xml "$work/repomd.xml"
    primary=$(tr -d '\n' < "$work/repomd.xml" | sed 's,<data ,\n&,g' | sed -n 's,<data type="primary">.*<location href="\([^"]*\)".*,\1,p')
    [[ $primary == *.gz ]] || fail "what packages there are is in \"$primary\", and gzip alone is known here"
    fetch "$primary" "$work/primary.xml.gz"
    gunzip -c "$work/primary.xml.gz" | awk '
        /<name>/ { name = text() }
        /<checksum/ { checksum = text() }
        /<location/ { file = attribute("href") }
        /<rpm:requires>/ { inside = 1 }
        /<\/rpm:requires>/ { inside = 0 }
        inside && /<rpm:entry/ { required = required " " attribute("name") }
        /<\/package>/ { print name, checksum, file, required; required = "" }
        function text() { sub(/^[^>]*>/, ""); sub(/<.*/, ""); return $0 }
        function attribute(key) { sub(".*" key "=\"", ""); sub(/".*/, ""); return $0 }
    ' > "$work/packages"
}

install_package() {
    local line name checksum file required other
    [[ ! -e $installed/$1 ]] || return 0
    line=$(grep "^$1 " "$work/packages") || fail "no package $1 in $url"
    read -r name checksum file required <<< "$line"
    for other in $required; do
        if grep -q "^$other " "$work/packages"; then install_package "$other"; fi
    done
    fetch "$file" "$work/$name.rpm"
    echo "$checksum  $work/$name.rpm" | sha256sum -c > /dev/null || fail "$file is damaged"
    (cd / && rpm -i "$work/$name.rpm")
    touch "$installed/$name"
    echo "Installed: $file"
}

[[ $# -ge 3 && $1 == install && $2 == -y ]] || fail "usage: yum install -y PACKAGE..."
url=$(sed -n 's,^baseurl=\(.*[^/]\)/*$,\1,p' /etc/yum.repos.d/local-ovirt.repo)
installed=/var/lib/stand-in-yum
mkdir -p "$installed"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
read_repository
for package in "${@:3}"; do
    install_package "$package"
done
END
chmod 755 /usr/local/bin/yum
