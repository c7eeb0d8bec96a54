# Distributions of Fedora's family, by dnf with a root of its own.

grub_dir=boot/grub2
# What `dnf` itself is to be given before its command.
dnf_options=()

# The release, and its updates where the mirror has them.
check_mirror() {
    local source
    mapfile -t sources < <(all_sources)
    has_repository "${sources[0]}" || die "mirror $mirror does not answer for suite $suite: $(tail -n 1 log)" \
        "try: --mirror URL with an archive of $distribution, --suite NAME with a release that it has"
    for source in "${sources[@]:1}"; do
        has_repository "$source" || die "mirror $mirror has no updates: $(tail -n 1 log)"
    done
    dnf_configuration > dnf.conf
    dnf_options=(--config=dnf.conf "--installroot=$work/tree" "--releasever=$suite")
}

has_repository() {
    run_logged curl -sSfL --retry 1 --connect-timeout 20 -o repomd.xml "$1/repodata/repomd.xml"
}

dnf_configuration() {
    local number
    printf '%s\n' '[main]' gpgcheck=1 install_weak_deps=False tsflags=nodocs keepcache=1 reposdir=/dev/null "cachedir=$work/dnf"
    for number in "${!sources[@]}"; do
        printf '%s\n' "[template$number]" "name=template$number" "baseurl=${sources[number]}" "gpgkey=file://$keyring"
    done
}

# Sets `packages` to NAME=VERSION, sorted, of all that will be installed. dnf shows them in a table whose lines
# are broken where names are long: a package's name, its architecture, its version. To be told no is a failure for it.
resolve_packages() {
    say 'find out which packages are wanted'
    mkdir tree
    : > log
    run_logged dnf "${dnf_options[@]}" --assumeno install "${wanted[@]}" || true
    mapfile -t packages < <(tr -s ' \n' '\n' < log | awk '
        follows { print name "=" $0; follows = 0 }
        /^(x86_64|noarch)$/ { name = last; follows = 1 }
        { last = $0 }' | sort -u)
    ((${#packages[@]})) || die_logged "dnf cannot install these packages of $suite: ${wanted[*]}"
}

# Makes the directory `tree`, in namespaces that take with them what is mounted or runs there.
make_tree() {
    say "get and install ${#packages[@]} packages"
    tar -c -f root.tar --owner=0 --group=0 --mode=u=rwX,go=rX -C "$template/root" .
    cp "$template/finish-dnf" finish
    run_logged unshare --mount --pid --fork --kill-child -- bash "$template/install-dnf" \
        dnf "${dnf_options[@]}" --assumeyes install "${wanted[@]}" ||
        die_logged 'the packages could not be installed'
    check_installed "$(rpm --root "$work/tree" -qa --qf '%{NAME}=%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\n' |
        grep -v '^gpg-pubkey=' | sort)"
}
