/** A share of the kill test that fits a normal run; `scripts/kill-test` makes the long one. */
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { killOnce, type Kill } from './killed/campaign.js'
import { openWorld, type World } from './killed/world.js'

let dir: string
let world: World

beforeAll(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'lago-kill-'))
  world = await openWorld(dir, ['made', 'exported', 'up', 'snapped', 'deployed'])
})

afterAll(async () => {
  await world.project.lago(['destroy', '--yes'])
  await rm(dir, { recursive: true, force: true })
})

/** Verb, step boundary, which of the other verbs comes next (default: the same), and what that says. */
const KILLS: readonly (readonly [string, number, number | undefined, RegExp])[] = [
  ['init', 8, undefined, /removing what an interrupted init left .* it is done anew/],
  ['init', 20, 0, /"lago init" was interrupted: it is undone/],
  ['export', 5, undefined, /"lago export" was interrupted: /],
  ['export', 7, 0, /"lago export" was interrupted: it is undone/],
  ['start', 6, undefined, /"lago start" was interrupted: it is finished now/],
  ['stop', 5, undefined, /"lago stop" was interrupted: it is finished now/],
  ['start', 8, 1, /"lago start" was interrupted: stopping undoes it/],
  ['snapshot', 4, undefined, /"lago snapshot first" was interrupted: it is taken anew/],
  ['revert', 4, undefined, /"lago revert first" was interrupted: it is finished now/],
  ['destroy', 5, undefined, /"lago destroy" was interrupted: it is finished now/],
  ['deploy', 5, undefined, /"lago deploy" was interrupted: it is finished now/],
  ['destroy', 7, 0, /"lago destroy" was interrupted: it is finished now/],
]

test.each(KILLS)(
  '%s, killed at its step boundary %d, leaves nothing behind the next verb',
  async (verb, boundary, next, said) => {
    const kill: Kill = { verb, at: { boundary }, next }
    const report = await killOnce(world, kill)
    expect(report).toMatchObject({ exitCode: 0, differences: [] })
    expect(report.said).toMatch(said)
  },
)
