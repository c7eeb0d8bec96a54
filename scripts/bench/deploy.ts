/** A trivial deploy script on some VMs at once. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Group } from './context.js'
import { boot, prepare } from './environment.js'
import { vms } from './labels.js'
import { lago, run } from './programs.js'
import { sshArgv } from './ssh.js'

const COUNT = 4

export const deploy: Group = {
  name: 'deploy',
  async run(bench) {
    const scriptPath = path.join(bench.place, 'deploy.sh')
    await writeFile(scriptPath, '#!/bin/bash\necho deployed > /root/deployed\n', { mode: 0o755 })
    const dir = await prepare(bench, 'deploy', COUNT, { metadata: { 'deploy-scripts': [scriptPath] } })
    const { ips, keyPath } = await boot(bench, dir)
    await lago(bench, dir, ['deploy']) // the first contact, in which the host keys are stored, is not what is timed
    const row = bench.table.row(`deploy of a trivial script, ${vms(COUNT)}`, { atMostMs: 600 })
    for (let round = 0; round < bench.rounds * 3; round++) {
      await row.measure('lago', async () => lago(bench, dir, ['deploy']))
      await row.measure('byHand', async () =>
        Promise.all(
          ips.map(async (ip) => run(bench, [...sshArgv(ip, keyPath), 'bash', '-s'], { inputPath: scriptPath })),
        ),
      )
    }
  },
}
