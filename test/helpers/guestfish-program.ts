/**
 * Stands in for guestfish(1), whose machine takes half a minute to boot: the same conversation about a directory of
 * this host. Refuses every word that the real one (1.48) would refuse, or that is not for reading.
 * Arguments: a `FakeGuestfish` as JSON, then guestfish's own.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, readdirSync, realpathSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { FakeGuestfish } from './guestfish.js'

const [config = '', ...argv] = process.argv.slice(2)
const guest = JSON.parse(config) as FakeGuestfish // ours
if (argv.join(' ') !== '--ro') throw new Error(`guestfish: not read-only, or more: ${argv.join(' ')}`)
if (process.env['LIBGUESTFS_BACKEND'] !== 'direct') throw new Error('guestfish: another backend')

let drive: string | undefined
let withoutKvm = false
let isLaunched = false
let mounted: string | undefined

const COMMANDS: Readonly<Record<string, (...words: string[]) => string>> = {
  echo: (text = '') => `${text}\n`,
  exit: () => process.exit(0),
  'set-backend-setting': (name, value) => {
    withoutKvm = name === 'force_tcg' && value === '1'
    return ''
  },
  'add-drive': (file = '', access = '', format = '') => {
    if (access !== 'readonly:true' || !format.startsWith('format:') || !existsSync(file)) throw new Error('add-drive')
    drive = file
    return ''
  },
  launch: () => {
    if (drive === undefined) throw new Error('you must call guestfs_add_drive before guestfs_launch')
    drive = undefined
    if (guest.needsTcg === true && !withoutKvm) throw new Error('guestfs_launch failed.')
    if (guest.fails === 'launch') throw new Error('supermin exited with error status 1.')
    if (guest.fails === 'end') process.exit(1)
    isLaunched = true
    return guest.fails === 'hang' ? HANG : ''
  },
  'inspect-os': () => (guest.mountpoints === undefined ? '' : '/dev/vg/root\n'),
  'inspect-get-mountpoints': () => listed(guest.mountpoints ?? {}),
  'list-filesystems': () => listed(guest.fileSystems),
  'mount-ro': (device = '', place = '') => {
    if (!isLaunched) throw new Error('call launch before using this function')
    if (guest.fileSystems[device] === undefined) throw new Error(`mount: ${device}: No such file or directory`)
    if (guest.fileSystems[device] === 'swap') throw new Error(`mount: ${device}: wrong fs type`)
    if (place === '/') mounted = device
    return ''
  },
  umount: () => {
    mounted = undefined
    return ''
  },
  'is-dir': (file) => `${existsSync(inside(file)) && statSync(inside(file)).isDirectory()}\n`,
  'is-file': (file) => `${existsSync(inside(file)) && statSync(inside(file)).isFile()}\n`,
  realpath: (file) => `${realpathSync(inside(file)).slice(root().length) || '/'}\n`,
  statns: (file) => {
    const { mode, mtimeMs } = statSync(inside(file))
    return `st_dev: 1\nst_mode: ${mode}\nst_mtime_sec: ${Math.floor(mtimeMs / 1000)}\nst_mtime_nsec: 0\n`
  },
  ls0: (dir, to = '') => wrote(to, readdirSync(inside(dir)).map((name) => `${name}\0`).join('')), // prettier-ignore
  download: (file, to = '') => {
    if (file?.endsWith('damaged') === true) throw new Error(`download: ${file}: Structure needs cleaning`)
    copyFileSync(inside(file), to)
    return ''
  },
  'tar-out': (dir, to = '') => {
    execFileSync('tar', ['-C', inside(dir), '-c', '-f', to, '.'])
    return ''
  },
}

const HANG = 'hang'

for await (const line of createInterface({ input: process.stdin })) {
  const [name = '', ...words] =
    line
      .replace(/^-/, '')
      .match(/"(?:[^"\\]|\\x[0-9a-f]{2})*"|[^\s"]+/g)
      ?.map(word) ?? []
  const command = COMMANDS[name]
  try {
    if (command === undefined) throw new Error(`${name}: unknown command`)
    const said = command(...words)
    if (said === HANG) {
      process.stdout.write(`${process.pid}\n`)
      setInterval(() => undefined, 1000)
      await new Promise(() => undefined)
    }
    process.stdout.write(said)
  } catch (error) {
    process.stderr.write(`*stdin*:1: libguestfs: error: ${(error as Error).message}\n`)
    if (!line.startsWith('-')) process.exit(1)
  }
}

/** Bytes come as `\xhh`. */
function word(raw: string): string {
  const latin1 = raw.replace(/^"|"$/g, '').replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))) // prettier-ignore
  return Buffer.from(latin1, 'latin1').toString('utf8')
}

function root(): string {
  if (mounted === undefined) throw new Error('you must mount something first')
  return guest.root[mounted] ?? guest.empty
}

function inside(file = ''): string {
  if (!file.startsWith('/')) throw new Error(`${file} is not an absolute path`)
  return path.join(root(), file)
}

function listed(things: Readonly<Record<string, string>>): string {
  return Object.entries(things).map(([key, value]) => `${key}: ${value}\n`).join('') // prettier-ignore
}

function wrote(file: string, text: string): string {
  writeFileSync(file, text)
  return ''
}
