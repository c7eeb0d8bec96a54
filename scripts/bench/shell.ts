/** One command in a VM that runs. */
import type { Group } from './context.js'
import { boot, prepare } from './environment.js'
import { lago } from './programs.js'
import { ssh } from './ssh.js'

export const shell: Group = {
  name: 'shell',
  async run(bench) {
    const dir = await prepare(bench, 'shell', 1)
    const environment = await boot(bench, dir)
    await lago(bench, dir, ['shell', 'vm0', 'true']) // the first contact is not what is timed
    const row = bench.table.row('shell vm0 true | ssh true', { atMostRatio: 1.5 })
    for (let round = 0; round < bench.rounds * 5; round++) {
      await row.measure('lago', async () => lago(bench, dir, ['shell', 'vm0', 'true']))
      await row.measure('byHand', async () => ssh(bench, environment, 'true'))
    }
  },
}
