/** Groups that the user needs, and whether this login has them already. */
import { LOCAL_URI } from './daemon.js'
import type { HostFacts } from './facts.js'
import { tableOf } from './guest-user.js'
import { byHand, byRoot } from './remedy.js'
import { ok, warning, failed, type Check } from './types.js'

export const groups: Check = {
  id: 'groups',
  title: "the user's groups",
  async run(_task, { facts }) {
    if (facts.me.uid === 0) return ok('root needs none')
    const table = tableOf(await facts.readFile('/etc/group'))
    const wanted = (await wantedGroups(facts)).flatMap(({ name, purpose }) => {
      const entry = table.find((fields) => fields[0] === name)
      return entry === undefined ? [] : [{ name, purpose, gid: Number(entry[2]), members: entry[3]?.split(',') ?? [] }]
    })
    const missing = wanted.filter(({ gid }) => !facts.me.gids.includes(gid))
    const entered = missing.filter(({ members }) => members.includes(facts.me.name))
    const absent = missing.filter((group) => !entered.includes(group))
    const names = (some: typeof wanted): string => some.map(({ name, purpose }) => `${name} (${purpose})`).join(', ')
    if (absent.length > 0) {
      const argv = ['usermod', '-aG', absent.map(({ name }) => name).join(','), facts.me.name] as const
      const finding = absent.some(({ name }) => name === LIBVIRT) ? failed : warning
      return finding(`${facts.me.name} is not in ${names(absent)}; log in again after it`, byRoot(facts, argv))
    }
    const [first] = entered
    if (first !== undefined)
      return warning(`${facts.me.name} is in ${names(entered)}, but not in this login`, byHand(`newgrp ${first.name}`))
    if (wanted.length === 0) return warning(`there is none of the groups ${LIBVIRT} and kvm on this host`)
    return ok(`${facts.me.name} is in ${wanted.map(({ name }) => name).join(', ')}`)
  },
}

const LIBVIRT = 'libvirt'

/** Those that there are not need nobody: `lago` comes with upstream's packages, and owns its store and leases. */
async function wantedGroups(facts: HostFacts): Promise<readonly { name: string; purpose: string }[]> {
  const isOpenToAll = (((await facts.stat('/dev/kvm'))?.mode ?? 0) & 0o006) === 0o006
  return [
    ...(facts.settings.libvirtUri === LOCAL_URI ? [{ name: LIBVIRT, purpose: 'its socket' }] : []),
    ...(isOpenToAll ? [] : [{ name: 'kvm', purpose: '/dev/kvm' }]),
    { name: 'lago', purpose: 'the shared store' },
  ]
}
