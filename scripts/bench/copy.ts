/** A tree of many small files, to a VM and from it. */
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Bench, Group } from './context.js'
import { boot, prepare, type Environment } from './environment.js'
import { lago, runInBash } from './programs.js'
import { ssh, sshArgv } from './ssh.js'

const DIRS = 50
const FILES_PER_DIR = 100
const FILE_BYTES = 40 * 1024 // 195 MiB in all; with the directories' own blocks 200
const FILES = DIRS * FILES_PER_DIR
const TREE = '200 MiB in 5,000 files'
/** On the guest's root disk, which has 2 GiB; its memory is smaller than the tree. */
const GUEST_DIR = '/root/tree'

export const copy: Group = {
  name: 'copy',
  async run(bench) {
    const dir = await prepare(bench, 'copy', 1)
    const treeDir = path.join(dir, 'tree')
    await makeTree(treeDir)
    const environment = await boot(bench, dir)
    await lago(bench, dir, ['shell', 'vm0', 'true']) // the first contact is not what is timed
    const to = bench.table.row(`copy of ${TREE} to a VM | tar | ssh tar`)
    const from = bench.table.row(`copy of ${TREE} from a VM | ssh tar | tar`)
    for (let round = 0; round < bench.rounds; round++) {
      await to.measure('lago', async () => lago(bench, dir, ['copy-to-vm', 'vm0', treeDir, GUEST_DIR]))
      await checkGuest(bench, environment)
      await to.measure('byHand', async () => copyToByHand(bench, environment, treeDir))
      await checkGuest(bench, environment, 'keep')
      const [ours, theirs] = [path.join(dir, 'lago'), path.join(dir, 'hand')]
      await from.measure('lago', async () => lago(bench, dir, ['copy-from-vm', 'vm0', GUEST_DIR, ours]))
      await checkHost(ours)
      await from.measure('byHand', async () => copyFromByHand(bench, environment, theirs))
      await checkHost(theirs)
      await checkGuest(bench, environment)
    }
  },
}

async function makeTree(treeDir: string): Promise<void> {
  for (let number = 0; number < DIRS; number++) {
    const dir = path.join(treeDir, `dir${number}`)
    await mkdir(dir, { recursive: true })
    for (let file = 0; file < FILES_PER_DIR; file++)
      await writeFile(path.join(dir, `file${file}`), randomBytes(FILE_BYTES))
  }
}

async function copyToByHand(bench: Bench, { ips, keyPath }: Environment, treeDir: string): Promise<void> {
  const command = `mkdir ${GUEST_DIR} && tar -x -f - -C ${GUEST_DIR}`
  const script = 'tree=$1; shift; tar -c -f - -C "$tree" . | "$@"'
  await runInBash(bench, script, [treeDir, ...sshArgv(ips[0] ?? '', keyPath), command])
}

async function copyFromByHand(bench: Bench, { ips, keyPath }: Environment, outDir: string): Promise<void> {
  const command = `tar -c -f - -C ${GUEST_DIR} .`
  const script = 'out=$1; shift; mkdir "$out"; "$@" | tar -x -f - -C "$out"'
  await runInBash(bench, script, [outDir, ...sshArgv(ips[0] ?? '', keyPath), command])
}

/** All of it is there; then it goes, unless it is wanted, and what is still to be written is. */
async function checkGuest(bench: Bench, environment: Environment, keep?: 'keep'): Promise<void> {
  const found = Number(await ssh(bench, environment, `find ${GUEST_DIR} -type f -size ${FILE_BYTES / 1024}k | wc -l`))
  if (found !== FILES) throw new Error(`${found} of ${FILES} files are in ${GUEST_DIR} of the guest`)
  await ssh(bench, environment, keep === undefined ? `rm -r ${GUEST_DIR}; sync` : 'sync')
}

async function checkHost(outDir: string): Promise<void> {
  const entries = await readdir(outDir, { recursive: true, withFileTypes: true })
  const found = entries.filter((entry) => entry.isFile()).length
  if (found !== FILES) throw new Error(`${found} of ${FILES} files are in ${outDir}`)
  await rm(outDir, { recursive: true })
}
