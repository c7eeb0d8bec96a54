# Fedora. Never made: no mirror could be reached where this was written. The steps were run with a repository of
# signed packages that were empty but for a shell; what real ones do when they are installed was not.
# SELinux is off: nothing labels the files of a root that is made without its kernel.

family=dnf
suite=${suite:-42}
mirror=${mirror:-https://dl.fedoraproject.org/pub/fedora/linux}
keyring=${keyring:-/etc/pki/rpm-gpg/RPM-GPG-KEY-fedora-$suite-x86_64}
keyring_package=fedora-gpg-keys
wanted=(
    kernel-core dracut grub2-pc-modules grub2-tools grub2-tools-extra
    systemd systemd-udev systemd-networkd systemd-resolved dbus-broker
    openssh-server cloud-init qemu-guest-agent
    ca-certificates dnf e2fsprogs fedora-release glibc-minimal-langpack iproute iputils less passwd procps-ng sudo util-linux
)

all_sources() {
    echo "$mirror/releases/$suite/Everything/x86_64/os"
    echo "$mirror/updates/$suite/Everything/x86_64"
}
