/**
 * Whether packages are whole, and what their names say of them. One that was cut short, as by a copy of CI that was ended, still has
 * the facts at its beginning that lists are made of, and fails only where it is installed: so all of each is read, in pieces.
 */
import path from 'node:path'
import { isLagoError, type LagoError } from '../../src/base/errors.js'
import { fanOut } from '../../src/base/fan-out.js'
import { runCommand } from '../../src/base/process.js'
import type { Task } from '../../src/base/task.js'
import { readPackages } from '../../src/rpm/read-packages.js'
import { ownNameOfNpm, readTarball } from './read-tarball.js'

/**
 * What is wrong with packages themselves (absolute paths), a line each: they are damaged, or others than their names say, by which
 * dnf, apt and npm go. Empty: nothing. Throws `LAGO_COMMAND_MISSING`, and the system's errors for what cannot be read.
 */
export async function faultsOfPackages(task: Task, paths: readonly string[]): Promise<readonly string[]> {
  const isRpm = (file: string): boolean => file.endsWith('.rpm')
  const { packages, broken } = await readPackages(task, paths.filter(isRpm))
  const others = paths.filter((file) => !isRpm(file))
  return [
    ...broken.map((file) => damaged(file.path, file.problem)),
    ...packages.flatMap((rpm) => faultsOfName(rpm.path, `${rpm.name}-${rpm.version}-${rpm.release}.${rpm.arch}.rpm`)),
    ...(await fanOut(task, others, async (file, task) => faultsOfOther(task, file))).flat(),
  ]
}

async function faultsOfOther(task: Task, file: string): Promise<readonly string[]> {
  if (file.endsWith('.deb')) return faultsOfDeb(task, file)
  return file.endsWith('.tgz') ? faultsOfNpm(task, file) : faultsOfTarball(task, file)
}

const DPKG = { package: 'dpkg' }

async function faultsOfDeb(task: Task, file: string): Promise<readonly string[]> {
  try {
    await runCommand(task, ['dpkg-deb', '--fsys-tarfile', file], { ...DPKG, isStdoutIgnored: true })
    return faultsOfName(file, await ownNameOfDeb(task, file))
  } catch (error) {
    if (!isLagoError(error, 'LAGO_COMMAND_FAILED')) throw error
    return [damaged(file, firstWordsOf(error))]
  }
}

/** An epoch does not stand in the names of files. */
async function ownNameOfDeb(task: Task, file: string): Promise<string> {
  const format = ['--showformat', '${Package}_${Version}_${Architecture}.deb'] as const
  const { stdout } = await runCommand(task, ['dpkg-deb', ...format, '--show', file], DPKG)
  return stdout.replace(/_\d+:/, '_')
}

/** What dpkg-deb says behind its first line follows from that. */
function firstWordsOf(error: LagoError): string {
  const [line = ''] = String(error.data['stderr']).split('\n')
  return line.replace(/^dpkg-deb(?: \(subprocess\))?: (?:error: )?/, '')
}

const MANIFEST = 'package/package.json'

async function faultsOfNpm(task: Task, file: string): Promise<readonly string[]> {
  const { problem, text } = await readTarball(task, file, MANIFEST)
  if (problem !== undefined) return [damaged(file, problem)]
  if (text === undefined) return [`${file} is no package of npm: it has no ${MANIFEST}`]
  const name = ownNameOfNpm(text)
  return name === undefined ? [`${file} has a ${MANIFEST} without name and version`] : faultsOfName(file, name)
}

async function faultsOfTarball(task: Task, file: string): Promise<readonly string[]> {
  const { problem } = await readTarball(task, file)
  return problem === undefined ? [] : [damaged(file, problem)]
}

function faultsOfName(file: string, name: string): readonly string[] {
  return path.basename(file) === name ? [] : [`${file} is ${name} by what it says of itself`]
}

function damaged(file: string, problem: string): string {
  return `${file} is damaged: ${problem}`
}
