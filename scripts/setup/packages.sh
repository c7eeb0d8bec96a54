# What the host needs, and how it comes there: apt or dnf, whichever the host has.
# Sourced by the scripts of the README.

debian_packages=(
    libvirt-daemon-system libvirt-daemon-driver-qemu libvirt-clients qemu-system-x86 qemu-system-common qemu-utils
    dnsmasq-base iptables iproute2 openssh-client openssl
    acl mtools syslinux syslinux-common fdisk dosfstools e2fsprogs cpio xz-utils
)
fedora_packages=(
    libvirt-daemon libvirt-daemon-driver-qemu libvirt-daemon-driver-network libvirt-daemon-driver-storage-core
    libvirt-client qemu-system-x86-core qemu-img qemu-tools dnsmasq iptables-nft iproute
    openssh-clients openssl
    acl mtools syslinux util-linux dosfstools e2fsprogs cpio xz
)

# What the tests need besides; added by the script that runs them.
debian_test_packages=(
    libxml2-utils openssh-server openssh-sftp-server ansible-core zstd xorriso
    mmdebstrap debian-archive-keyring apt-utils
    rpm rpm2cpio make git dnf dnf-plugins-core createrepo-c gnupg python3-pytest chromium systemd
    bash-completion zsh fish groff-base man-db mandoc
)
fedora_test_packages=(libxml2 openssh-server ansible-core zstd xorriso mmdebstrap debian-keyring
    rpm-build rpm-sign make git dnf-plugins-core createrepo_c gnupg2 dpkg apt python3-pytest chromium-headless systemd
    bash-completion zsh fish groff-base man-db mandoc)

# Prints the packages that are not installed.
missing_packages() {
    local package
    if command -v apt-get > /dev/null; then
        for package in "${debian_packages[@]}"; do
            [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null) == installed ]] || echo "$package"
        done
    elif command -v dnf > /dev/null; then
        for package in "${fedora_packages[@]}"; do
            rpm -q --quiet "$package" || echo "$package"
        done
    else
        die 'neither apt-get nor dnf is here' 'install libvirt, qemu, dnsmasq and an ssh client by hand, then run this again'
    fi
}

# Installs what is missing, after asking when there is somebody to ask.
install_packages() {
    local missing
    mapfile -t missing < <(missing_packages)
    ((${#missing[@]})) || return 0
    say "These packages are missing on this host: ${missing[*]}"
    ask 'Install them now?' || die 'nothing was installed' "install them by hand, or say yes: $0 --yes"
    if command -v apt-get > /dev/null; then
        as_root apt-get update -qq
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
    else
        as_root dnf install -y -q "${missing[@]}" >&2
    fi
}
