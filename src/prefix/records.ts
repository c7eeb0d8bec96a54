/** What the prefix knows of a guest, kept with a snapshot and put back with it: its host key, and what was deployed. */
import { copyFile, rm } from 'node:fs/promises'
import { isSystemError } from '../base/errors.js'
import type { PrefixLayout } from './layout.js'

export async function keepRecords(layout: PrefixLayout, vm: string, snapshot: string): Promise<void> {
  for (const { live, kept } of recordsOf(layout, vm, snapshot)) await copyOrRemove(live, kept)
}

/** What was learned since is not true any more. */
export async function restoreRecords(layout: PrefixLayout, vm: string, snapshot: string): Promise<void> {
  for (const { live, kept } of recordsOf(layout, vm, snapshot)) await copyOrRemove(kept, live)
}

function recordsOf(layout: PrefixLayout, vm: string, snapshot: string): { live: string; kept: string }[] {
  const { knownHosts, deployed } = layout.snapshot(vm, snapshot)
  return [
    { live: layout.knownHosts(vm), kept: knownHosts },
    { live: layout.deployed(vm), kept: deployed },
  ]
}

/** Afterwards `to` is as `from`, also when that is not there. */
async function copyOrRemove(from: string, to: string): Promise<void> {
  await copyFile(from, to).catch(async (error: unknown) => {
    if (!isSystemError(error, 'ENOENT')) throw error
    await rm(to, { force: true })
  })
}
