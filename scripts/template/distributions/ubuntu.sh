# Ubuntu. Never made: no mirror could be reached where this was written. What it shares with Debian is run for that.

family=apt
suite=${suite:-noble}
mirror=${mirror:-http://archive.ubuntu.com/ubuntu}
archive_keyring=/usr/share/keyrings/ubuntu-archive-keyring.gpg
keyring=${keyring:-$archive_keyring}
keyring_package=ubuntu-keyring
components='main universe'
wanted=(
    linux-image-virtual initramfs-tools zstd grub-pc-bin grub2-common
    systemd-sysv udev dbus libnss-myhostname
    openssh-server cloud-init qemu-guest-agent
    ca-certificates fdisk e2fsprogs iproute2 iputils-ping less procps sudo
)
# A part of systemd itself before.
[[ $suite == jammy ]] || wanted+=(systemd-resolved)

further_sources() {
    echo "$mirror $suite-updates"
    echo "$mirror $suite-security"
}
