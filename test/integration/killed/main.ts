/** The long run of the kill test, as a table: `main.js [RUNS [SEED [VERB...]]]`. Every difference is told. */
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { countBoundaries, killOnce, VERBS, type Kill, type KillReport } from './campaign.js'
import { planKills, seededRandom } from './plan-kills.js'
import { openWorld, type World } from './world.js'

const [runs = '200', seed = String(Date.now() % 100_000), ...verbs] = process.argv.slice(2)
const names = verbs.length > 0 ? verbs : Object.keys(VERBS)
let isStopped = false
const dir = await mkdtemp(path.join(os.tmpdir(), 'lago-kill-'))
const world = await openWorld(dir, ['made', 'exported', 'up', 'snapped', 'deployed', 'asleep'])
process.on('SIGINT', () => void (isStopped = true))
try {
  console.log(`seed ${seed}`)
  const reports = await runAll(world)
  const bad = reports.filter(({ differences }) => differences.length > 0)
  console.log(`${reports.length} kills, ${bad.length} with differences`)
  process.exitCode = bad.length === 0 ? 0 : 1
} finally {
  await world.project.lago(['destroy', '--yes'])
  await rm(dir, { recursive: true, force: true })
}

async function runAll(world: World): Promise<KillReport[]> {
  const random = seededRandom(Number(seed))
  const measured = new Map<string, { boundaries: number; tookMs: number }>()
  for (const name of names) measured.set(name, await countBoundaries(world, name))
  const kills: readonly Kill[] = planKills(measured, Number(runs), random)
  const reports: KillReport[] = []
  for (const kill of kills) {
    if (isStopped) break
    const report = await killOnce(world, kill)
    reports.push(report)
    console.log(lineOf(reports.length, report))
  }
  return reports
}

function lineOf(number: number, { kill, point, next, exitCode, said, differences }: KillReport): string {
  const at = 'boundary' in kill.at ? `boundary ${kill.at.boundary}` : `${kill.at.afterMs} ms`
  const left = differences.length === 0 ? 'nothing' : differences.join('; ')
  return [`${number}`, kill.verb, at, point, `${next}: ${exitCode}`, said || '-', left].join(' | ')
}
