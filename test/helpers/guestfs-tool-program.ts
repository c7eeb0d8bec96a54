/**
 * Stands in for virt-sysprep(1) and virt-customize(1) of 1.48, whose machine takes half a minute to boot: writes down
 * what it was told, and refuses what the real ones would refuse, or what others could read.
 * Arguments: a `FakeGuestfs` as JSON with what its helper adds, then the program's own.
 */
import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { FakeGuestfs, GuestfsRun } from './guestfs-tool.js'

type Option = readonly [string, string?]

const [config = '', ...argv] = process.argv.slice(2)
const { tool, dir, record, fails } = JSON.parse(config) as FakeGuestfs & { tool: string; dir: string; record: string } // ours

/** What customizes an image, on the command line or in a file; true: with a value. */
const CUSTOMIZE: Readonly<Record<string, boolean>> = {
  'append-line': true,
  chmod: true,
  'commands-from-file': true,
  'copy-in': true,
  delete: true,
  edit: true,
  'firstboot-command': true,
  hostname: true,
  install: true,
  link: true,
  mkdir: true,
  'no-logfile': false,
  password: true,
  'root-password': true,
  run: true,
  'run-command': true,
  'selinux-relabel': false,
  'sm-credentials': true,
  'sm-register': false,
  'ssh-inject': true,
  timezone: true,
  touch: true,
  update: false,
  upload: true,
  write: true,
}
const GENERAL: Readonly<Record<string, boolean>> = {
  v: false,
  x: false,
  q: false,
  m: true,
  smp: true,
  'no-network': false,
}

const files: Record<string, string> = {}

try {
  const env = process.env
  if (env['LIBGUESTFS_BACKEND'] !== 'direct') refuse('another backend')
  if (![undefined, 'force_tcg'].includes(env['LIBGUESTFS_BACKEND_SETTINGS'])) refuse('unknown settings')
  const { LIBGUESTFS_TMPDIR: temporaryDir = '/' } = env
  if ((statSync(temporaryDir).mode & 0o777) !== 0o700) refuse('its own files are where others can read them')
  writeFileSync(path.join(temporaryDir, 'appliance'), '')
  const [formatWord, format = '', diskWord, disk = '', ...words] = argv
  if (formatWord !== '--format' || diskWord !== '-a') refuse('the disk does not come first')
  if (!path.isAbsolute(disk) || !statSync(disk).isFile()) refuse(`${disk}: No such file or directory`)
  const options = fromWords(words).flatMap(read)
  const forcesTcg = env['LIBGUESTFS_BACKEND_SETTINGS'] === 'force_tcg'
  const run: GuestfsRun = { tool, format, disk, options, files, temporaryDir, forcesTcg }
  appendFileSync(record, `${JSON.stringify(run)}\n`)
  if (fails === 'hang') {
    writeFileSync(path.join(dir, 'pid'), String(process.pid))
    setInterval(() => undefined, 1000)
  }
  if (fails === 'refuses') refuse('ssh-inject: the user debian does not exist on the guest')
  if (fails === 'full') refuse('write: No space left on device')
  if (fails === 'crashes') {
    process.stderr.write('Fatal error: exception Out_of_memory\n')
    process.exit(2)
  }
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exit(1)
}

function refuse(why: string): never {
  throw new Error(
    `${tool}: error: ${why}\n\nIf reporting bugs, run ${tool} with debugging enabled and include the complete output:\n\n  ${tool} -v -x [...]`,
  )
}

function fromWords(words: readonly string[]): Option[] {
  if (tool === 'virt-sysprep' && words[0] !== '--commands-from-file') refuse('not told by a file')
  const [first, ...rest] = words
  if (first === undefined) return []
  const name = first.replace(/^--(?=..)|^-(?=.$)/, '')
  const known = { ...CUSTOMIZE, ...GENERAL }[name]
  if (name === first || known === undefined) throw new Error(`${tool}: unrecognized option '${first}'`)
  if (!known) return [[name], ...fromTail(rest)]
  const [value, ...others] = rest
  if (value === undefined) throw new Error(`${tool}: option '${first}' requires an argument`)
  return [[name, value], ...fromTail(others)]
}

function fromTail(words: readonly string[]): Option[] {
  if (tool === 'virt-sysprep' && words.length > 0) refuse('told by more than a file')
  return words.length === 0 ? [] : fromWords(words)
}

function read([name, value = '']: Option): Option[] {
  if (name === 'commands-from-file') return fromFile(value).flatMap(read)
  const file = /^(?:[^:]*:)*file:(.*)$/.exec(value)?.[1]
  if (/^(root-)?password$|^ssh-inject$|^sm-credentials$/.test(name)) {
    if (/(^|:)password:/.test(value)) refuse('a password where others can read it')
    if (file !== undefined) files[file] = private_(file, name === 'ssh-inject')
    else if (!/(^|:)(random|locked|disabled)$/.test(value)) refuse(`invalid ${name} selector '${value}'`)
  }
  return [value === '' ? [name] : [name, value]]
}

/** customize_cmdline.ml: lines that are empty or begin with # are passed over, the value comes after the first blank. */
function fromFile(file: string): Option[] {
  const lines = private_(file).replaceAll('\\\n', '\0').split('\n')
  const commands = lines.filter((line) => line !== '' && !line.startsWith('#'))
  return commands.map((line): Option => {
    const [name = '', ...words] = line.replaceAll('\0', '\n').split(' ')
    if (CUSTOMIZE[name] === undefined || name === 'commands-from-file') refuse(`command '${name}' not valid`)
    return CUSTOMIZE[name] ? [name, words.join(' ')] : [name]
  })
}

/** The text of a file that, unless it `mayBeSeen`, nobody else can read. */
function private_(file: string, mayBeSeen = false): string {
  const others = statSync(file).mode & 0o077
  const elsewhere = statSync(path.dirname(file)).mode & 0o077
  if (!mayBeSeen && (others !== 0 || elsewhere !== 0)) refuse(`${file} can be read by others`)
  return readFileSync(file, 'utf8')
}
