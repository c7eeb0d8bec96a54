/** Artifacts of one VM, fetched while it runs and out of its disk. */
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Bench, Group } from './context.js'
import { boot, prepare, type Environment } from './environment.js'
import { lago, runInBash } from './programs.js'
import { ssh, sshArgv } from './ssh.js'

const FILES = 50
const FILE_BYTES = 1024 * 1024
const GUEST_DIR = '/root/artifacts'
/** scripts/guest/build/disk.sh: root_start_mib */
const ROOT_OFFSET_BYTES = 25 * 1024 * 1024

export const collect: Group = {
  name: 'collect',
  async run(bench) {
    const dir = await prepare(bench, 'collect', 1, { artifacts: [GUEST_DIR] })
    const environment = await boot(bench, dir)
    await ssh(bench, environment, makeFiles())
    const live = bench.table.row(`collect of ${FILES} files of 1 MiB, live | ssh tar | tar`, { atMostRatio: 1.3 })
    await lago(bench, dir, ['shell', 'vm0', 'true']) // the first contact is not what is timed
    for (let round = 0; round < bench.rounds; round++) {
      await live.measure('lago', async () => collectByLago(bench, environment))
      await check(path.join(dir, 'lago'))
      await live.measure('byHand', async () => fetchByHand(bench, environment))
      await check(path.join(dir, 'hand'))
    }
    await lago(bench, dir, ['shutdown']) // a file system that was unmounted: debugfs knows nothing of journals
    const dead = bench.table.row(`collect of ${FILES} files of 1 MiB, stopped | convert, debugfs`)
    for (let round = 0; round < bench.rounds; round++) {
      await dead.measure('lago', async () => collectByLago(bench, environment))
      await check(path.join(dir, 'lago'))
      await dead.measure('byHand', async () => dumpByHand(bench, environment))
      await check(path.join(dir, 'hand'))
    }
  },
}

function makeFiles(): string {
  const one = `dd if=/dev/urandom of=${GUEST_DIR}/file$i bs=${FILE_BYTES} count=1 2>/dev/null`
  return `set -e; mkdir ${GUEST_DIR}; for i in $(seq ${FILES}); do ${one}; done; sync`
}

async function collectByLago(bench: Bench, { dir }: Environment): Promise<void> {
  await lago(bench, dir, ['collect', '--no-skip', '--output', path.join(dir, 'lago')])
}

async function fetchByHand(bench: Bench, { dir, ips, keyPath }: Environment): Promise<void> {
  const outDir = path.join(dir, 'hand')
  await mkdir(outDir)
  const command = `tar -c -f - -C ${path.dirname(GUEST_DIR)} ${path.basename(GUEST_DIR)}`
  const script = 'out=$1; shift; "$@" | tar -x -f - -C "$out"'
  await runInBash(bench, script, [outDir, ...sshArgv(ips[0] ?? '', keyPath), command])
}

async function dumpByHand(bench: Bench, { dir, prefix }: Environment): Promise<void> {
  const outDir = path.join(dir, 'hand')
  await mkdir(outDir)
  const imagePath = path.join(prefix, 'images', 'vm0_root.qcow2')
  const rawPath = path.join(dir, 'root.raw')
  const script = `qemu-img convert -O raw "$1" "$2"
    debugfs -R "rdump ${GUEST_DIR} $3" "$2?offset=${ROOT_OFFSET_BYTES}"
    rm "$2"`
  await runInBash(bench, script, [imagePath, rawPath, outDir])
}

/** All of it has come; then it goes. */
async function check(outDir: string): Promise<void> {
  const names = (await readdir(outDir, { recursive: true })).filter((name) => path.basename(name).startsWith('file'))
  const sizes = await Promise.all(names.map(async (name) => (await stat(path.join(outDir, name))).size))
  const whole = sizes.filter((bytes) => bytes === FILE_BYTES).length
  if (whole !== FILES) throw new Error(`${whole} of ${FILES} files of ${FILE_BYTES} bytes are in ${outDir}`)
  await rm(outDir, { recursive: true })
}
