/** Stand-ins for packages of Fedora: empty, of these names alone, so that a requirement that is misspelt is not met. */
import { buildRpm, createRepodata } from './rpms.js'

const NAMES = ['libvirt-libs', 'qemu-img', 'openssh-clients', 'iproute', 'shadow-utils', 'rpm-build', 'createrepo_c']

/** A repository in `dir`, with this host's Node as `nodejs`, a shell, and the directories of polkit. */
export async function makeStandInRepository(dir: string): Promise<void> {
  for (const name of NAMES) await buildRpm(dir, { name })
  await buildRpm(dir, { name: 'nodejs', epoch: 1, version: process.versions.node })
  await buildRpm(dir, { name: 'bash', provides: ['/bin/sh'] })
  // its rights are those of EL 9; of everybody else they make a conflict
  await buildRpm(dir, { name: 'polkit', dirs: { '/usr/share/polkit-1': '755', '/usr/share/polkit-1/rules.d': '700' } })
  await createRepodata(dir)
}
