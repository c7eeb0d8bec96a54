/** One environment that is killed again and again, and how it gets from one state to another unharmed. */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { makeProject, outcomeOf, type LagoProject, type LagoRun } from '../../helpers/lago-project.js'
import { MINI_ENV, miniVm } from '../../helpers/real-host.js'
import { hostStateWith, type HostState } from './host.js'

/** `none`: nothing made; `up`: started, and both guests answer by ssh. */
export type StateName = 'none' | 'made' | 'up' | 'snapped' | 'deployed' | 'asleep' | 'exported'

export interface World {
  readonly project: LagoProject
  /** What the host looks like in a state that nobody disturbed. */
  reference(state: StateName): HostState
  /** From where the environment is, which is known after `isAt`, to `state`. */
  reach(state: StateName): Promise<void>
  isAt(state: StateName): void
  /** Removes what a failed run may have left in the directory, for the next to begin with nothing. */
  clear(): Promise<void>
  /** Throws when it fails. */
  succeed(args: readonly string[]): Promise<LagoRun>
}

/** Shortest ways; from anywhere else it goes by `none`. */
const WAYS: Readonly<
  Record<Exclude<StateName, 'none'>, { readonly from: StateName; readonly by: readonly (readonly string[])[] }>
> = {
  made: { from: 'none', by: [['init']] },
  up: { from: 'made', by: [['start'], ['wait', 'ssh']] },
  snapped: { from: 'up', by: [['snapshot', 'first']] },
  deployed: { from: 'up', by: [['deploy']] },
  asleep: { from: 'up', by: [['stop', '--suspend']] },
  exported: { from: 'made', by: [['export', '-s', '-d', 'out']] },
}

/** Opens it in the empty directory `dir`, and goes through every state once. */
export async function openWorld(dir: string, states: readonly StateName[]): Promise<World> {
  const vm1 = miniVm([{ net: 'klan' }, { net: 'kbridged' }]) as { disks: object[] }
  vm1.disks.push({ name: 'data', type: 'empty', format: 'raw', dev: 'vdb', size: '16M' })
  const vm0 = {
    ...(miniVm([{ net: 'klan' }]) as object),
    metadata: { 'deploy-scripts': ['$LAGO_INITFILE_PATH/deploy.sh'] },
  }
  const initFile = {
    domains: { killed0: vm0, killed1: vm1 },
    nets: {
      klan: { type: 'nat', management: true, dhcp: { start: 100, end: 254 } },
      kbridged: { type: 'bridge' },
    },
  }
  const files = { LagoInitFile: JSON.stringify(initFile), 'deploy.sh': 'sleep 0.3\necho deployed >> /root/deployed\n' }
  const env = { ...MINI_ENV, TMPDIR: path.join(dir, 'tmp'), XDG_CACHE_HOME: path.join(dir, 'cache') }
  await mkdir(path.join(dir, 'tmp'))
  const project = await makeProject(dir, files, env)
  let at: StateName = 'none'
  const succeed = async (args: readonly string[]): Promise<LagoRun> => {
    const outcome = await outcomeOf(project.spawnLago([...args]))
    if (outcome.exitCode !== 0) throw new Error(`lago ${args.join(' ')}: ${outcome.exitCode}: ${outcome.stderr}`)
    return outcome
  }
  const reach = async (state: StateName): Promise<void> => {
    if (at === state) return
    if (state === 'none') {
      await succeed(['destroy', '--yes'])
      await rm(path.join(dir, 'out'), { recursive: true, force: true })
    } else if (state === 'made' && at === 'up') await succeed(['stop'])
    else if (state === 'made' && at === 'exported') await rm(path.join(dir, 'out'), { recursive: true })
    else {
      const way = WAYS[state]
      await reach(at === way.from ? at : isOn(way.from, at) ? way.from : 'none')
      if (at !== way.from) await reach(way.from)
      for (const args of way.by) await succeed(args)
    }
    at = state
  }
  await writeFile(path.join(dir, 'events'), '')
  for (const state of ['made', 'none'] as const) await reach(state) // the template is in the store from now on
  const references = new Map<StateName, HostState>([['none', await hostStateWith(dir)]])
  for (const state of states) {
    await reach(state)
    references.set(state, await hostStateWith(dir))
  }
  await reach('none')
  return {
    project,
    succeed,
    reach,
    isAt: (state) => void (at = state),
    async clear() {
      for (const name of ['.lago', 'out', 'tmp']) await rm(path.join(dir, name), { recursive: true, force: true })
      await mkdir(path.join(dir, 'tmp'))
    },
    reference(state) {
      const found = references.get(state)
      if (found === undefined) throw new Error(`the state ${state} has not been seen`)
      return found
    },
  }
}

/** True when `state` leads from `at` to somewhere without going back. */
function isOn(state: StateName, at: StateName): boolean {
  if (state === at) return true
  return state !== 'none' && isOn(WAYS[state].from, at)
}
