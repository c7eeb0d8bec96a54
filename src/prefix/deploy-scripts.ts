/** Deploy scripts are copied into the prefix at init, so that it stands alone from then on (spec 6.3). */
import { copyFile } from 'node:fs/promises'
import path from 'node:path'
import type { Task } from '../base/task.js'
import type { EnvPlan, VmPlan } from '../plan/types.js'
import type { PrefixLayout } from './layout.js'

/**
 * The plan with every script's path replaced by its copy's: the source path with every `/` as `_`, and a number behind
 * it where another script has that name already.
 */
export async function copyDeployScripts(
  task: Task,
  layout: PrefixLayout,
  plan: EnvPlan,
  expand: (rawPath: string) => string,
): Promise<EnvPlan> {
  return task.step('Copying any deploy scripts', async () => {
    const sources = [...plan.vms.values()].flatMap((vm) => vm.spec.deployScripts.map(expand))
    const targets = targetsOf(sources, layout)
    for (const [source, target] of targets) await copyFile(source, target)
    const copies = (vm: VmPlan): string[] =>
      vm.spec.deployScripts.map((rawPath) => targets.get(expand(rawPath)) ?? rawPath)
    const vms = [...plan.vms].map(([name, vm]) => {
      return [name, { ...vm, spec: { ...vm.spec, deployScripts: copies(vm) } }] as const
    })
    return { ...plan, vms: new Map(vms) }
  })
}

function targetsOf(sources: readonly string[], layout: PrefixLayout): ReadonlyMap<string, string> {
  const targets = new Map<string, string>()
  const taken = new Set<string>()
  for (const source of new Set(sources)) {
    const name = source.replaceAll('/', '_')
    let target = name
    for (let number = 2; taken.has(target); number++) target = `${name}.${number}`
    taken.add(target)
    targets.set(source, path.join(layout.scripts, target))
  }
  return targets
}
