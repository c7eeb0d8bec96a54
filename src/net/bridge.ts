/** Bridges of the kernel, by iproute2: those of the host are used as they are, ours are made, marked and removed. */
import { pathExists } from 'fs-extra/esm'
import { isLagoError, LagoError } from '../base/errors.js'
import { listBridges } from './links.js'
import { runCommand } from '../base/process.js'
import type { Task } from '../base/task.js'

export interface OwnBridge {
  readonly name: string
  readonly mtu: number
  /** The environment; it is in the device's alias, where `ip link` shows it and `lago gc` reads it. */
  readonly owner: { readonly uuid: string; readonly prefixDir: string }
}

/** Makes the bridge and switches it on. One of this name that a killed run has left is taken over. */
export async function addBridge(task: Task, { name, mtu, owner }: OwnBridge): Promise<void> {
  if (!(await isBridge(name))) await ip(task, ['add', 'name', name, 'type', 'bridge'])
  await ip(task, ['set', 'dev', name, 'alias', bridgeAlias(owner), 'mtu', String(mtu), 'up'])
}

/** Does nothing when there is none of this name, or when another removes it at the same time. */
export async function removeBridge(task: Task, name: string): Promise<void> {
  if (!(await isBridge(name))) return
  await ip(task, ['delete', 'dev', name, 'type', 'bridge']).catch(async (error: unknown) => {
    if (await isBridge(name)) throw error
  })
}

/** Throws `LAGO_NO_BRIDGE`, naming the bridges that there are. */
export async function requireBridge(name: string, net: string): Promise<void> {
  if (await isBridge(name)) return
  const isOther = await pathExists(`/sys/class/net/${name}`)
  const found = isOther ? `${name} is a device, but not a bridge` : `this host has no bridge ${name}`
  const bridges = (await listBridges()).map((bridge) => bridge.name)
  throw new LagoError('LAGO_NO_BRIDGE', `cannot start net ${net}: ${found}; bridges: ${bridges.join(', ') || 'none'}`, {
    hint: `make it (ip link add name ${name} type bridge), or leave "bridge" out to have Lago make one`,
    data: { bridge: name, bridges },
  })
}

/** A directory that does not fit into it is left out: then nobody but its environment removes the bridge. */
function bridgeAlias({ uuid, prefixDir }: OwnBridge['owner']): string {
  const whole = `lago ${uuid} ${prefixDir}`
  return Buffer.byteLength(whole) <= MAX_ALIAS_BYTES ? whole : `lago ${uuid}`
}

/** linux/if.h, IFALIASZ without the final zero. */
const MAX_ALIAS_BYTES = 255

/** The environment that has made a bridge with this alias; undefined for bridges of others. */
export function bridgeOwner(
  alias: string,
): { readonly uuid: string; readonly prefixDir: string | undefined } | undefined {
  const [, uuid, prefixDir] = /^lago ([0-9a-f]{32})(?: (\/.*))?$/s.exec(alias) ?? []
  return uuid === undefined ? undefined : { uuid, prefixDir }
}

async function isBridge(name: string): Promise<boolean> {
  return pathExists(`/sys/class/net/${name}/bridge`)
}

/** As ourselves where that is allowed, else by sudo, which must not ask for a password. */
async function ip(task: Task, args: readonly string[]): Promise<void> {
  const argv = ['ip', 'link', ...args] as const
  try {
    await runCommand(task, argv, { package: 'iproute2' })
  } catch (error) {
    const isRefused = isLagoError(error, 'LAGO_COMMAND_FAILED') && /not permitted|denied/i.test(error.message)
    if (!isRefused || process.getuid?.() === 0) throw error
    await runCommand(task, ['sudo', '-n', ...argv], { package: 'sudo' }).catch((refused: unknown) => {
      throw new LagoError('LAGO_PERMISSION', `no permission to run "${argv.join(' ')}", also not by sudo`, {
        hint: 'let an administrator make the bridge, and name it in the init file as "bridge"',
        data: { argv },
        cause: refused,
      })
    })
  }
}
