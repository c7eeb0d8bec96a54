/** The life of an environment: init, start, status, stop and destroy. */
import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { copyByHand, makeImages, removeByHand, startByHand, stopByHand, type HandMade } from './by-hand.js'
import type { Bench, Group } from './context.js'
import { initialized, prepare } from './environment.js'
import { vms } from './labels.js'
import { lago, run } from './programs.js'
import { sshAnswers } from './ssh.js'
import type { Row } from './table.js'

export function life(count: number): Group {
  return {
    name: `life, ${vms(count)}`,
    async run(bench) {
      const dir = await prepare(bench, `life-${count}`, count)
      const row = (what: string): Row => bench.table.row(`${what}, ${vms(count)}`)
      for (let round = 0; round < bench.rounds; round++) {
        const hand = await byLago(bench, dir, row)
        await byHand(bench, hand, row)
        await removeByHand(bench, hand)
      }
    },
  }
}

async function byLago(bench: Bench, dir: string, row: (what: string) => Row): Promise<HandMade> {
  await row('init').measure('lago', async () => lago(bench, dir, ['init']))
  const environment = await initialized(dir)
  const startedAt = performance.now()
  await lago(bench, dir, ['start'])
  row('start until it returns').note('lago', performance.now() - startedAt)
  await sshAnswers(bench, environment)
  row('start until ssh').note('lago', performance.now() - startedAt)
  const hand = await copyByHand(bench, environment)
  await row('status | bare node').measure('lago', async () => lago(bench, dir, ['status']))
  await row('status | bare node').measure('byHand', async () => run(bench, ['node', '-e', '0']))
  await row('stop').measure('lago', async () => lago(bench, dir, ['stop']))
  await lago(bench, dir, ['start'])
  await sshAnswers(bench, environment)
  await row('destroy').measure('lago', async () => lago(bench, dir, ['destroy', '--yes']))
  return hand
}

async function byHand(bench: Bench, hand: HandMade, row: (what: string) => Row): Promise<void> {
  await row('init').measure('byHand', async () => {
    const keyPath = path.join(hand.dir, 'new', 'id_rsa')
    await mkdir(path.dirname(keyPath))
    await Promise.all([
      run(bench, ['ssh-keygen', '-q', '-t', 'rsa', '-m', 'PEM', '-N', '', '-f', keyPath]),
      makeImages(bench, hand),
    ])
  })
  const startedAt = performance.now()
  await startByHand(bench, hand)
  row('start until it returns').note('byHand', performance.now() - startedAt)
  await sshAnswers(bench, hand)
  row('start until ssh').note('byHand', performance.now() - startedAt)
  await row('stop').measure('byHand', async () => stopByHand(bench, hand))
  await startByHand(bench, hand)
  await sshAnswers(bench, hand)
  await row('destroy').measure('byHand', async () => {
    await stopByHand(bench, hand)
    await rm(hand.imagesDir, { recursive: true })
  })
}
