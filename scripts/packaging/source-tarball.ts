import { runCommand } from '../../src/base/process.js'
import type { Task } from '../../src/base/task.js'
import { epochOf, packingEnv, type Stage } from './stage.js'

/** `lago-X.Y.Z.tar.gz`, of the stage before it is built. */
export async function writeSourceTarball(task: Task, stage: Stage, filePath: string): Promise<void> {
  await writeTarball(task, stage, { filePath, fromDir: stage.workDir, name: `lago-${stage.version}` })
}

/** The same bytes for the same tree, whoever has it: names in order, no owners, no later time than the commit's. */
export async function writeTarball(
  task: Task,
  stage: Stage,
  { filePath, fromDir, name }: { readonly filePath: string; readonly fromDir: string; readonly name: string },
): Promise<void> {
  const owner = ['--owner=0', '--group=0', '--numeric-owner', '--mode=go=rX,u+rw,a-s']
  const same = ['--format=gnu', '--sort=name', `--mtime=@${epochOf(stage)}`]
  const argv = ['tar', '-C', fromDir, ...owner, ...same, '-czf', filePath, name] as const
  await runCommand(task, argv, { package: 'tar', env: packingEnv(stage) })
}
