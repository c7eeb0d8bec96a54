/** What the packages need of a distribution, by its names; src/doctor/programs.ts has the same names. */

export interface Requirements {
  readonly needs: readonly string[]
  /** Installed as well unless somebody does not want them: parts of Lago do without. */
  readonly recommends: readonly string[]
}

export const DEBIAN: Readonly<Record<'lago' | 'lago-ovirt', Requirements>> = {
  lago: {
    needs: ['nodejs (>= 20.19)', 'libc6', 'libvirt0', 'qemu-utils', 'openssh-client', 'iproute2', 'passwd'],
    recommends: [
      'libvirt-daemon-system',
      'qemu-system-x86 | qemu-system-arm',
      'qemu-system-common',
      'dnsmasq-base',
      'acl',
      'e2fsprogs',
      'fuse3',
      'openssl',
      'polkitd | policykit-1',
      'sudo',
      'xz-utils',
      'zstd',
    ],
  },
  'lago-ovirt': { needs: ['rpm', 'createrepo-c'], recommends: ['python3-pytest', 'dnf', 'dnf-plugins-core'] },
}

export const FEDORA: Readonly<Record<'lago' | 'lago-ovirt', Requirements>> = {
  lago: {
    needs: ['nodejs >= 1:20.19', 'libvirt-libs', 'qemu-img', 'openssh-clients', 'iproute'],
    recommends: [
      'libvirt-daemon-driver-qemu',
      'libvirt-daemon-driver-network',
      'qemu-kvm',
      'dnsmasq',
      'acl',
      'e2fsprogs',
      'fuse3',
      'openssl',
      'polkit',
      'sudo',
      'xz',
      'zstd',
    ],
  },
  'lago-ovirt': { needs: ['rpm-build', 'createrepo_c'], recommends: ['python3-pytest', 'dnf-plugins-core'] },
}
