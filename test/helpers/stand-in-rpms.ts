/** Stand-ins for packages of Fedora: empty, of these names alone, so that a requirement that is misspelt is not met. */
import { buildRpm, createRepodata } from './rpms.js'

const NAMES = ['libvirt-libs', 'qemu-img', 'openssh-clients', 'iproute', 'shadow-utils', 'rpm-build', 'createrepo_c']

/** A repository in `dir`, with this host's Node as `nodejs` and a shell. */
export async function makeStandInRepository(dir: string): Promise<void> {
  for (const name of NAMES) await buildRpm(dir, { name })
  await buildRpm(dir, { name: 'nodejs', epoch: 1, version: process.versions.node })
  await buildRpm(dir, { name: 'bash', provides: ['/bin/sh'] })
  await createRepodata(dir)
}
