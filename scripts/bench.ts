/**
 * Times Lago's verbs beside the same work done by hand with virsh, ssh and qemu-img, in turns within one run, and
 * prints a table of medians, ratios and aims: `npm run bench`. The machines made by hand are the same to the letter:
 * their XML is what libvirt says about Lago's.
 *
 * Needs the mini template (`scripts/make-guest`) and a libvirt that answers on qemu:///system.
 * `BENCH_ROUNDS`: default 3. `BENCH_ONLY`: only groups with this in their names.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { collect } from './bench/collect.js'
import type { Bench, Group } from './bench/context.js'
import { copy } from './bench/copy.js'
import { deploy } from './bench/deploy.js'
import { exportDisks } from './bench/export.js'
import { hundred } from './bench/hundred.js'
import { life } from './bench/life.js'
import { reposetup } from './bench/reposetup.js'
import { shell } from './bench/shell.js'
import { snapshots } from './bench/snapshots.js'
import { startUp } from './bench/start-up.js'
import { suspend } from './bench/suspend.js'
import { initSeeded, templates } from './bench/templates.js'
import { createTable } from './bench/table.js'
import { versions } from './bench/versions.js'

const VM_COUNTS = [1, 4, 8]
const SEEDED_COUNTS = [1, 8, 32]
const GROUPS: readonly Group[] = [
  startUp,
  versions,
  ...VM_COUNTS.map(life),
  hundred,
  ...VM_COUNTS.map(snapshots),
  suspend(1),
  suspend(4),
  deploy,
  collect,
  copy,
  shell,
  exportDisks,
  templates,
  reposetup,
  ...SEEDED_COUNTS.map(initSeeded),
]

const wanted = wantedGroups(process.env['BENCH_ONLY'] ?? '')
const rounds = wantedRounds(process.env['BENCH_ROUNDS'] ?? '3')
const interrupted = abortOnSignals()
const place = await mkdtemp(path.join(os.tmpdir(), 'lago-bench-'))
await chmod(place, 0o711)
const bench: Bench = { rounds, place, signal: interrupted, table: createTable(), undo: [] }
try {
  for (const group of wanted) await runGroup(group)
} finally {
  await rm(place, { recursive: true, force: true })
  bench.table.print(rounds)
}

/** A group that fails is told of, and does not keep the others from being measured. */
async function runGroup(group: Group): Promise<void> {
  if (interrupted.aborted) return
  console.error(`bench: ${group.name}`)
  try {
    await group.run(bench)
  } catch (error) {
    if (interrupted.aborted) return
    process.exitCode = 1
    console.error(`bench: ${group.name} failed:`, error)
  } finally {
    await cleanUp()
  }
}

async function cleanUp(): Promise<void> {
  const calm = { ...bench, signal: new AbortController().signal }
  for (let undo = bench.undo.pop(); undo !== undefined; undo = bench.undo.pop())
    await undo(calm).catch((error: unknown) => {
      process.exitCode = 1
      console.error('bench: something is left behind:', error)
    })
}

function abortOnSignals(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => {
      if (!controller.signal.aborted) console.error('bench: stopping; what was made is being removed')
      process.exitCode = 128 + os.constants.signals[name]
      controller.abort(new Error(name))
    })
  return controller.signal
}

function wantedGroups(only: string): readonly Group[] {
  const found = GROUPS.filter(({ name }) => name.includes(only))
  if (found.length > 0) return found
  throw new Error(`no group has "${only}" in its name: ${GROUPS.map(({ name }) => name).join('; ')}`)
}

function wantedRounds(text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text)
  throw new Error(`BENCH_ROUNDS is a number from 1 on, not "${text}"`)
}
