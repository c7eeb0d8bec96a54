/** The bridges of this host, from what the kernel shows in /sys. */
import { readdir, readFile } from 'node:fs/promises'
import { pathExists } from 'fs-extra/esm'

export interface HostBridge {
  readonly name: string
  /** Empty when nobody has given it one. */
  readonly alias: string
  /** Devices that are plugged into it. */
  readonly ports: readonly string[]
}

export async function listBridges(sysDir = '/sys/class/net'): Promise<readonly HostBridge[]> {
  const bridges: HostBridge[] = []
  for (const name of (await readdir(sysDir)).sort()) {
    if (!(await pathExists(`${sysDir}/${name}/bridge`))) continue
    const alias = (await readFile(`${sysDir}/${name}/ifalias`, 'utf8').catch(() => '')).trim()
    const ports = await readdir(`${sysDir}/${name}/brif`).catch(() => [])
    bridges.push({ name, alias, ports })
  }
  return bridges
}
