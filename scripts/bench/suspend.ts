/** An environment put to sleep and woken; by hand with `virsh save` and `virsh restore`. */
import { bootByHand, copyByHand, each, removeByHand, startNetByHand, stopNetByHand, type HandMade } from './by-hand.js'
import type { Bench, Group } from './context.js'
import { boot, prepare, type Environment } from './environment.js'
import { vms } from './labels.js'
import { lago, run } from './programs.js'
import { sshAnswers } from './ssh.js'
import type { Row } from './table.js'

export function suspend(count: number): Group {
  return {
    name: `suspend, ${vms(count)}`,
    async run(bench) {
      const dir = await prepare(bench, `suspend-${count}`, count)
      const rows = {
        save: bench.table.row(`stop --suspend | virsh save, ${vms(count)}`),
        wake: bench.table.row(`start from it until ssh, ${vms(count)}`),
      }
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

interface Rows {
  readonly save: Row
  readonly wake: Row
}

async function byLago(bench: Bench, environment: Environment, { save, wake }: Rows): Promise<void> {
  await save.measure('lago', async () => lago(bench, environment.dir, ['stop', '--suspend']))
  await wake.measure('lago', async () => {
    await lago(bench, environment.dir, ['start'])
    await sshAnswers(bench, environment)
  })
}

async function byHand(bench: Bench, hand: HandMade, { save, wake }: Rows): Promise<void> {
  await save.measure('byHand', async () => {
    await each(hand, async ({ name, imagePath }) => run(bench, ['virsh', '-q', 'save', name, `${imagePath}.memory`]))
    await stopNetByHand(bench, hand)
  })
  await wake.measure('byHand', async () => {
    await startNetByHand(bench, hand)
    await each(hand, async ({ imagePath }) => run(bench, ['virsh', '-q', 'restore', `${imagePath}.memory`]))
    await sshAnswers(bench, hand)
  })
}
