# Debian. Made and booted: bookworm, trixie.

family=apt
suite=${suite:-bookworm}
mirror=${mirror:-http://deb.debian.org/debian}
archive_keyring=/usr/share/keyrings/debian-archive-keyring.gpg
keyring=${keyring:-$archive_keyring}
keyring_package=debian-archive-keyring
components=main
wanted=(
    linux-image-cloud-amd64 initramfs-tools zstd grub-pc-bin grub2-common
    systemd-sysv udev dbus systemd-resolved libnss-myhostname
    openssh-server cloud-init qemu-guest-agent
    ca-certificates fdisk e2fsprogs iproute2 iputils-ping less procps sudo
)

# The archive of security fixes stands beside the main one, its name with -security added.
further_sources() {
    echo "$mirror $suite-updates"
    echo "$mirror-security $suite-security"
}
