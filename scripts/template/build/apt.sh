# Distributions of Debian's family, by mmdebstrap and apt.

grub_dir=boot/grub

# The suite, and its updates and security fixes where the mirror has them.
check_mirror() {
    sources=("$mirror $suite")
    has_suite "$mirror" "$suite" || die "mirror $mirror does not answer for suite $suite: $(last_problem)" \
        "try: --mirror URL with an archive of $distribution, --suite NAME with a suite that it has"
    local source
    while read -r source; do
        # shellcheck disable=SC2086 # a URL and a suite
        has_suite $source && sources+=("$source")
    done < <(further_sources)
}

has_suite() {
    run_logged /usr/lib/apt/apt-helper -o APT::Sandbox::User=root -o Acquire::Retries=1 -o Acquire::http::Timeout=20 \
        -o Acquire::https::Timeout=20 download-file "$1/dists/$2/InRelease" InRelease
}

last_problem() {
    sed -n 's/^E: Failed to fetch [^ ]* *//p' log | tail -n 1
}

# The lines of a sources.list; only the keys in the file $1 count, whatever else apt trusts.
sources_list() {
    local source
    for source in "${sources[@]}"; do
        echo "deb [signed-by=$1] $source $components"
    done
}

# Sets `packages` to NAME=VERSION, sorted, of all that will be installed.
resolve_packages() {
    say 'find out which packages are wanted'
    debstrap --simulate || die_logged "apt finds no way to install from $suite: ${wanted[*]}"
    mapfile -t packages < <(awk '$1 == "Inst" { print $2 "=" substr($3, 2) }' log | sort -u)
    ((${#packages[@]})) || die_logged 'mmdebstrap did not say what it would install'
}

# Makes the directory `tree`. Configuration is there before the packages that read it when they are installed.
make_tree() {
    say "get and install ${#packages[@]} packages"
    sources_list "$archive_keyring" > sources.list
    tar -c -f root.tar --owner=0 --group=0 --mode=u=rwX,go=rX -C "$template/root" . -C "$template/root-apt" .
    cp "$template/finish-apt" finish
    # shellcheck disable=SC2016 # the shell that runs the hook expands it
    debstrap \
        --essential-hook='tar-in root.tar /' \
        --customize-hook='upload finish /tmp/finish' \
        --customize-hook='upload sources.list /etc/apt/sources.list' \
        --customize-hook='chroot "$1" sh -eu /tmp/finish' ||
        die_logged 'the packages could not be installed'
    # Devices are left out: only root could unpack them, and the kernel makes its own.
    mkdir -p tree/dev
    run_logged in_namespace tar -x -f tree.tar -C tree -p --numeric-owner --xattrs --xattrs-include='*' ||
        die_logged 'the root tree could not be unpacked'
    rm tree.tar
    check_installed "$(awk '/^Package: / { name = $2 } /^Version: / { print name "=" $2 }' tree/var/lib/dpkg/status | sort)"
}

debstrap() {
    local lines excludes
    mapfile -t lines < <(sources_list "$keyring")
    mapfile -t excludes < <(lines_of "$template/dpkg-excludes")
    run_logged env TMPDIR="$(unpack_dir)" mmdebstrap --mode=unshare --variant=apt --format=tar --skip=output/dev --verbose \
        --aptopt='Acquire::Languages "none"' --dpkgopt=force-unsafe-io "${excludes[@]/#/--dpkgopt=}" \
        --include="${wanted[*]}" "$@" "$suite" tree.tar "${lines[@]}"
}

# Who is not root unpacks under another id, which cannot enter private directories.
unpack_dir() {
    if ((EUID)); then
        echo "${TMPDIR:-/tmp}"
    else
        echo "$work"
    fi
}
