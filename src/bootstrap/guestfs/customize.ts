/** `build:` steps of a disk, by virt-customize (spec 3.8). */
import { LagoError } from '../../base/errors.js'
import type { Task } from '../../base/task.js'
import type { RootDisk } from '../types.js'
import { runGuestfsTool, type GuestfsOptions } from './tool.js'
import { withWorkDir, type WorkDir } from './work-dir.js'

/** The options of one step as the init file has them: by name, without dashes. */
export type CustomizeStep = Readonly<Record<string, unknown>>

export interface CustomizeRequest extends GuestfsOptions {
  /** For `ssh-inject` without a value. Absolute. */
  readonly publicKeyPath: string
}

/**
 * One step. Passwords of the options that take one are handed over in files, so that they are in no argument.
 *
 * Throws `LAGO_BUILD_OPTION` for a name that is no option's, or a value that is neither a text, a number nor a list of
 * them; and as `runGuestfsTool` does; the disk may be half changed then.
 */
export async function customizeDisk(
  task: Task,
  disk: Pick<RootDisk, 'path' | 'format'>,
  step: CustomizeStep,
  { publicKeyPath, ...options }: CustomizeRequest,
): Promise<void> {
  const given = Object.entries(step).flatMap(([name, value]) => optionsOf(options.vm, name, value))
  await withWorkDir(async (dir) => {
    const safe = given.map(async (option) => withoutPassword(dir, withKey(option, publicKeyPath)))
    const words = (await Promise.all(safe)).flatMap(wordsOf)
    await runGuestfsTool(task, 'virt-customize', disk, { ...options, words, dir })
  })
}

interface Option {
  readonly name: string
  readonly value: string | undefined
}

/** A list gives the option once for each item; nothing, or an empty text or list, gives it without a value. */
function optionsOf(vm: string, name: string, value: unknown): Option[] {
  if (!/^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$/.test(name))
    throw wrongOption(vm, `${JSON.stringify(name)} is not the name of an option`)
  const values: readonly unknown[] = Array.isArray(value) ? value : [value]
  const texts = values.map((item) => textOf(vm, name, item))
  return (texts.length === 0 ? [undefined] : texts).map((text) => ({ name, value: text === '' ? undefined : text }))
}

function textOf(vm: string, name: string, value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  throw wrongOption(vm, `the value of ${name} is neither a text, a number nor a list of them`)
}

function wrongOption(vm: string, why: string): LagoError {
  return new LagoError('LAGO_BUILD_OPTION', `a build step of ${vm} cannot be given to virt-customize: ${why}`, {
    hint: 'write options by their long names, without dashes: install: [vim]; a flag has an empty value',
    data: { vm, why },
  })
}

function withKey({ name, value }: Option, publicKeyPath: string): Option {
  return { name, value: name === 'ssh-inject' && value === undefined ? `root:file:${publicKeyPath}` : value }
}

const TAKE_PASSWORDS: readonly string[] = ['password', 'root-password', 'sm-credentials']

/** Selectors `password:WORD`, `USER:password:WORD` and `locked:password:WORD` (virt-builder(1)) have a form for files. */
async function withoutPassword(dir: WorkDir, option: Option): Promise<Option> {
  const { name, value = '' } = option
  const [, before = '', password] = /^(|[^:]*:|[^:]*:locked:)password:(.*)$/s.exec(value) ?? []
  if (!TAKE_PASSWORDS.includes(name) || password === undefined) return option
  return { name, value: `${before}file:${await dir.write('password', `${password}\n`)}` }
}

function wordsOf({ name, value }: Option): string[] {
  const option = name.length === 1 ? `-${name}` : `--${name}`
  return value === undefined ? [option] : [option, value]
}
