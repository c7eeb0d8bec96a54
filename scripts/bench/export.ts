/** The disk of a stopped VM merged with its template. Lago also writes an init file and two checksums. */
import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Group } from './context.js'
import { boot, prepare } from './environment.js'
import { lago, run } from './programs.js'

export const exportDisks: Group = {
  name: 'export',
  async run(bench) {
    const dir = await prepare(bench, 'export', 1)
    const { prefix } = await boot(bench, dir)
    await lago(bench, dir, ['shutdown'])
    const [ours, theirs] = [path.join(dir, 'lago'), path.join(dir, 'hand')]
    const imagePath = path.join(prefix, 'images', 'vm0_root.qcow2')
    const row = bench.table.row('standalone export of a stopped VM | qemu-img convert')
    for (let round = 0; round < bench.rounds; round++) {
      await row.measure('lago', async () => lago(bench, dir, ['export', '--standalone', '--dst-dir', ours]))
      await row.measure('byHand', async () => {
        await mkdir(theirs)
        await run(bench, ['qemu-img', 'convert', '-O', 'qcow2', imagePath, path.join(theirs, 'vm0_root.qcow2')])
      })
      for (const outDir of [ours, theirs]) await rm(outDir, { recursive: true })
    }
  },
}
