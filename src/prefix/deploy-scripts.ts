/** Deploy scripts are copied into the prefix at init, so that it stands alone from then on (spec 6.3). */
import { copyFile } from 'node:fs/promises'
import path from 'node:path'
import type { Task } from '../base/task.js'
import type { EnvPlan, VmPlan } from '../plan/types.js'
import type { PrefixLayout } from './layout.js'

/** The plan with every script's path replaced by its copy's: the source path with every `/` as `_`. */
export async function copyDeployScripts(
  task: Task,
  layout: PrefixLayout,
  plan: EnvPlan,
  expand: (rawPath: string) => string,
): Promise<EnvPlan> {
  return task.step('Copying any deploy scripts', async () => {
    const vms = new Map<string, VmPlan>()
    for (const [name, vm] of plan.vms) {
      const deployScripts: string[] = []
      for (const rawPath of vm.spec.deployScripts) deployScripts.push(await copyScript(layout, expand(rawPath)))
      vms.set(name, { ...vm, spec: { ...vm.spec, deployScripts } })
    }
    return { ...plan, vms }
  })
}

async function copyScript(layout: PrefixLayout, source: string): Promise<string> {
  const target = path.join(layout.scripts, source.replaceAll('/', '_'))
  await copyFile(source, target)
  return target
}
