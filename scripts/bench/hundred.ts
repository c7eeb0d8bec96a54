/** A hundred machines with empty disks, which never come further than their firmware. */
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Group } from './context.js'
import { lago, run } from './programs.js'

const COUNT = 100

export const hundred: Group = {
  name: 'hundred',
  async run(bench) {
    const dir = path.join(bench.place, 'hundred')
    bench.undo.push(async (bench) => lago(bench, dir, ['destroy', '--yes']).catch(() => undefined)) // it may be gone
    await mkdir(dir)
    await chmod(dir, 0o711)
    await writeFile(path.join(dir, 'LagoInitFile'), JSON.stringify(initFile()))
    await lago(bench, dir, ['init'])
    await lago(bench, dir, ['--jobs', String(COUNT), 'start'])
    const row = bench.table.row(`status | virsh list, ${COUNT} VMs`)
    for (let round = 0; round < bench.rounds; round++) {
      await row.measure('lago', async () => lago(bench, dir, ['status']))
      await row.measure('byHand', async () => run(bench, ['virsh', '-c', 'qemu:///system', 'list', '--all']))
    }
    await lago(bench, dir, ['destroy', '--yes'])
  },
}

function initFile(): unknown {
  const disk = { name: 'root', type: 'empty', dev: 'vda', format: 'raw', size: '1M' }
  const vm = { memory: 64, vcpu: 1, nics: [{ net: 'lago' }], disks: [disk] }
  const names = Array.from({ length: COUNT }, (_, index) => `vm${index}`)
  return { domains: Object.fromEntries(names.map((name) => [name, vm])), nets: { lago: {} } }
}
