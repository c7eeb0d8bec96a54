/**
 * Snapshots with memory, and going back to them until a command runs in every guest: in the machine that runs, and
 * with no machine there. By hand that is an external snapshot, then fresh overlays and `virsh restore`.
 */
import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { bootByHand, copyByHand, each, overlay, removeByHand, type HandMade, type HandMadeDomain } from './by-hand.js'
import type { Bench, Group } from './context.js'
import { boot, prepare, type Environment } from './environment.js'
import { vms } from './labels.js'
import { lago, run } from './programs.js'
import { sshAnswers } from './ssh.js'
import type { Aim, Row } from './table.js'

const AIMS_MS: ReadonlyMap<number, { readonly inPlace: number; readonly byRestore: number }> = new Map([
  [1, { inPlace: 500, byRestore: 2500 }],
  [8, { inPlace: 1500, byRestore: 5000 }],
])

interface Rows {
  readonly take: Row
  readonly inPlace: Row
  readonly byRestore: Row
}

export function snapshots(count: number): Group {
  return {
    name: `snapshots, ${vms(count)}`,
    async run(bench) {
      const dir = await prepare(bench, `snapshots-${count}`, count)
      const rows = rowsFor(bench, count)
      for (let round = 0; round < bench.rounds; round++) {
        const environment = await boot(bench, dir)
        const hand = await copyByHand(bench, environment)
        await byLago(bench, environment, rows)
        await lago(bench, dir, ['destroy', '--yes'])
        await bootByHand(bench, hand)
        await byHand(bench, hand, rows)
        await removeByHand(bench, hand)
      }
    },
  }
}

function rowsFor({ table }: Bench, count: number): Rows {
  const aims = AIMS_MS.get(count)
  const aim = (ms: number | undefined): Aim | undefined => (ms === undefined ? undefined : { atMostMs: ms })
  return {
    take: table.row(`snapshot with memory, ${vms(count)}`),
    inPlace: table.row(`revert of running VMs until ssh, ${vms(count)}`, aim(aims?.inPlace)),
    byRestore: table.row(`revert of VMs that are down until ssh, ${vms(count)}`, aim(aims?.byRestore)),
  }
}

async function byLago(bench: Bench, environment: Environment, rows: Rows): Promise<void> {
  const { dir } = environment
  const revert = async (): Promise<void> => {
    await lago(bench, dir, ['revert', 'clean'])
    await sshAnswers(bench, environment)
  }
  await rows.take.measure('lago', async () => lago(bench, dir, ['snapshot', 'clean']))
  await rows.inPlace.measure('lago', revert)
  for (const name of environment.domains) await run(bench, ['virsh', '-q', 'destroy', name])
  await rows.byRestore.measure('lago', revert)
}

async function byHand(bench: Bench, hand: HandMade, rows: Rows): Promise<void> {
  const destroy = async (): Promise<void> =>
    each(hand, async ({ name }) => run(bench, ['virsh', '-q', 'destroy', name]))
  const restore = async (): Promise<void> => {
    await each(hand, async (domain) => restoreByHand(bench, domain))
    await sshAnswers(bench, hand)
  }
  await rows.take.measure('byHand', async () => each(hand, async (domain) => takeByHand(bench, domain)))
  await each(hand, async (domain) => writeRestoreXml(bench, domain)) // a person has it at hand when it is needed
  await rows.inPlace.measure('byHand', async () => {
    await destroy()
    await restore()
  })
  await destroy()
  await rows.byRestore.measure('byHand', restore)
}

async function takeByHand(bench: Bench, domain: HandMadeDomain): Promise<void> {
  const { memoryPath, overlayPath } = filesOf(domain)
  const memory = ['--memspec', `file=${memoryPath},snapshot=external`]
  const disk = ['--diskspec', `vda,snapshot=external,file=${overlayPath}`]
  await run(bench, ['virsh', '-q', 'snapshot-create-as', domain.name, 'clean', '--no-metadata', ...memory, ...disk])
}

async function restoreByHand(bench: Bench, domain: HandMadeDomain): Promise<void> {
  const { memoryPath, overlayPath, xmlPath } = filesOf(domain)
  await rm(overlayPath)
  await overlay(bench, overlayPath, { path: domain.imagePath, format: 'qcow2' })
  await run(bench, ['virsh', '-q', 'restore', memoryPath, '--xml', xmlPath])
}

/** The memory comes with the machine as it was before the snapshot, on the image that is frozen now. */
async function writeRestoreXml(bench: Bench, domain: HandMadeDomain): Promise<void> {
  const { memoryPath, overlayPath, xmlPath } = filesOf(domain)
  const saved = await run(bench, ['virsh', 'save-image-dumpxml', memoryPath])
  if (!saved.includes(domain.imagePath)) throw new Error(`${memoryPath} knows nothing of ${domain.imagePath}`)
  await writeFile(xmlPath, saved.replaceAll(domain.imagePath, overlayPath))
}

function filesOf({ imagePath }: HandMadeDomain): Record<'memoryPath' | 'overlayPath' | 'xmlPath', string> {
  const base = path.join(path.dirname(imagePath), path.basename(imagePath, '.qcow2'))
  return { memoryPath: `${base}.memory`, overlayPath: `${base}.1.qcow2`, xmlPath: `${base}.restore.xml` }
}
