/** How long Lago takes to do nothing. */
import type { Group } from './context.js'
import { lago, run } from './programs.js'

export const startUp: Group = {
  name: 'start-up',
  async run(bench) {
    const row = bench.table.row('lago --version | node -e 0')
    for (let round = 0; round < bench.rounds * 3; round++) {
      await row.measure('byHand', async () => run(bench, ['node', '-e', '0']))
      await row.measure('lago', async () => lago(bench, '/', ['--version']))
    }
  },
}
