# The packages the guest is made of: which, in which version, and their files.

# Sets `packages` to NAME=VERSION, sorted, and `kernel_package` to the kernel's name.
resolve_packages() {
    [[ $(dpkg --print-architecture) == amd64 ]] || die 'only amd64 machines can make the guest'
    local names
    mapfile -t names < <(wanted_packages | sort -u)
    kernel_package=$(printf '%s\n' "${names[@]}" | grep '^linux-image-[0-9].*-cloud-amd64$') ||
        die 'no package linux-image-cloud-amd64 is known' 'try: apt-get update, on a Debian system'
    mapfile -t packages < <(versions_of "${names[@]}")
    ((${#packages[@]} == ${#names[@]})) ||
        die "some of these packages are not known: ${names[*]}" 'try: apt-get update'
}

# Those listed and, below them, the libraries and the kernel, but nothing else
# that installing them would bring along.
wanted_packages() {
    local listed
    mapfile -t listed < <(lines_of "$guest/packages")
    apt-cache depends --recurse --important "${listed[@]}" linux-image-cloud-amd64 2> /dev/null |
        awk -v listed="${listed[*]}" '
            /^[^ ]/ { package = $1 }
            $1 ~ /Depends:$/ && $2 ~ /^(lib|zlib|linux-image-)/ { below[package] = below[package] " " $2 }
            function want(name,    names, n, i) {
                if (name in wanted) return
                wanted[name]
                n = split(below[name], names)
                for (i = 1; i <= n; i++) want(names[i])
            }
            END {
                n = split(listed " linux-image-cloud-amd64", names)
                for (i = 1; i <= n; i++) want(names[i])
                delete wanted["linux-image-cloud-amd64"]
                for (name in wanted) print name
            }'
}

# The candidate version of each, as apt would install it.
versions_of() {
    apt-cache policy "$@" | awk '
        /^[^ ]/ { name = $1; sub(/:.*/, "", name) }
        $1 == "Candidate:" && $2 != "(none)" { print name "=" $2 }' | sort
}

# apt checks files that are already there against its signed lists, as it does new ones.
download_packages() {
    local debs=$cache/mini-debs
    mkdir -p "$debs"
    say "get ${#packages[@]} packages"
    (
        cd "$debs" || exit
        exec {lock}< .
        flock "$lock"
        # The sandbox user cannot write to a directory in somebody's home.
        apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}" ||
            die 'the packages could not be downloaded' 'try: apt-get update'
        take_downloads
    )
}

# Copies the wanted files out of the cache, which forgets the others.
take_downloads() {
    local package name version file
    mkdir "$work/debs"
    for package in "${packages[@]}"; do
        name=${package%%=*} version=${package#*=}
        cp -- "$name"_"${version//:/%3a}"_*.deb "$work/debs/"
    done
    for file in *.deb; do
        [[ -e $work/debs/$file ]] || rm -- "$file"
    done
}

# Sets `epoch` to the date of the newest file: the guest's, whenever it is made.
unpack_packages() {
    say 'unpack'
    local deb
    for deb in "$work"/debs/*.deb; do
        dpkg-deb -x "$deb" "$work/packages"
    done
    rm -r "$work/debs"
    epoch=$(find "$work/packages" -type f -printf '%T@\n' | sort -n | tail -n 1)
    epoch=${epoch%.*}
    export SOURCE_DATE_EPOCH=$epoch E2FSPROGS_FAKE_TIME=$epoch
}
