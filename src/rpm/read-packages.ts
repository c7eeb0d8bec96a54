/** What RPM files are, and whether they are whole: by the program rpm, without its database and without signatures. */
import { open, stat } from 'node:fs/promises'
import { fanOut } from '../base/fan-out.js'
import { LagoError } from '../base/errors.js'
import { runCommand } from '../base/process.js'
import type { Task } from '../base/task.js'
import type { PackageName } from './package.js'

/** A package as a file. `arch` is `src` for sources. */
export interface PackageFile extends PackageName {
  /** Absolute. */
  readonly path: string
  /** Of header and payload: files with the same one are the same package. */
  readonly digest: string
}

export interface BrokenPackage {
  readonly path: string
  /** In rpm's words, where it has some. */
  readonly problem: string
}

export interface ReadPackages {
  /** In the order of the paths. */
  readonly packages: readonly PackageFile[]
  readonly broken: readonly BrokenPackage[]
}

/** Facts of files that have been read before, by a key that is another one as soon as the file changes. */
export interface KnownPackages {
  get(key: string): PackageFacts | undefined
  set(key: string, facts: PackageFacts): unknown
}

export type PackageFacts = Omit<PackageFile, 'path'>

/**
 * Reads files (absolute paths), many in each call of rpm, and checks the digests of their headers and contents. What is
 * read is added to `known`. Throws `LAGO_COMMAND_MISSING` without rpm, and the system's errors for what is not there.
 */
export async function readPackages(
  task: Task,
  paths: readonly string[],
  known: KnownPackages = new Map(),
): Promise<ReadPackages> {
  const keys = new Map(await fanOut(task, paths, async (path) => [path, await fileKey(path)] as const))
  const keyOf = (path: string): string => keys.get(path) ?? ''
  const unread = [...keys.keys()].filter((path) => known.get(keyOf(path)) === undefined)
  const read = await fanOut(task, chunksOf(unread), async (chunk, task) => readChunk(task, chunk))
  const broken = read.flatMap((chunk) => chunk.broken)
  for (const { path, ...facts } of read.flatMap((chunk) => chunk.packages)) known.set(keyOf(path), facts)
  const packages = paths.flatMap((path) => {
    const facts = known.get(keyOf(path))
    return facts === undefined ? [] : [{ path, ...facts }]
  })
  return { packages, broken }
}

/** The same, when none may be broken. Throws `LAGO_RPM_BROKEN` with each of them; `hint` says what to do about them. */
export async function readWholePackages(
  task: Task,
  paths: readonly string[],
  { known, hint }: { readonly known?: KnownPackages | undefined; readonly hint: string },
): Promise<readonly PackageFile[]> {
  const { packages, broken } = await readPackages(task, paths, known)
  if (broken.length === 0) return packages
  const shown = broken.slice(0, MOST_SHOWN).map(({ path, problem }) => `${path} (${problem})`)
  const more = broken.length > MOST_SHOWN ? ` and ${broken.length - MOST_SHOWN} more` : ''
  const what = broken.length === 1 ? 'a package is broken' : `${broken.length} packages are broken`
  throw new LagoError('LAGO_RPM_BROKEN', `${what}: ${shown.join(', ')}${more}`, { hint, data: { broken } })
}

const MOST_SHOWN = 10

/** Another one as soon as the file is written to; the same for all hard links. */
async function fileKey(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true })
  return [dev, ino, size, mtimeNs].join(':')
}

/** So many fit into one command line. */
const CHUNK = 200

function chunksOf(paths: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(paths.length / CHUNK) }, (_, index) =>
    paths.slice(index * CHUNK, (index + 1) * CHUNK),
  )
}

async function readChunk(task: Task, paths: readonly string[]): Promise<ReadPackages> {
  const problems = new Map<string, string>()
  for (const path of paths) {
    const problem = await outwardProblem(path)
    if (problem !== undefined) problems.set(path, problem)
  }
  const plausible = paths.filter((path) => !problems.has(path))
  for (const [path, problem] of await failingDigests(task, plausible)) problems.set(path, problem)
  const whole = plausible.filter((path) => !problems.has(path))
  const broken = [...problems].map(([path, problem]) => ({ path, problem }))
  return { packages: await query(task, whole), broken }
}

/** rpm/rpmlib.h, rpm 4.18: the first bytes of the lead. */
const MAGIC = Buffer.from('edabeedb', 'hex')

/** rpm takes a text file for a list of further files, and looks at those. */
async function outwardProblem(path: string): Promise<string | undefined> {
  if (/[\r\n]/.test(path)) return 'its name has a line break'
  const file = await open(path, 'r')
  try {
    const head = Buffer.alloc(MAGIC.length)
    const { bytesRead } = await file.read(head, 0, head.length, 0)
    if (bytesRead === 0) return 'it is empty'
    return head.equals(MAGIC) ? undefined : 'it is not an RPM package'
  } finally {
    await file.close()
  }
}

/** The exit code says how many failed, and no more. */
const ANY_CODE = Array.from({ length: 128 }, (_, code) => code)
const PACKAGE = { package: 'rpm' }

async function failingDigests(task: Task, paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (paths.length === 0) return new Map()
  const argv = ['rpmkeys', '--checksig', '--nosignature', ...paths] as const
  const { stdout, stderr } = await runCommand(task, argv, { ...PACKAGE, okCodes: ANY_CODE })
  // of a file that cannot be read only the name is printed, without a line end
  const verdicts = stdout.split('\n').filter((line) => / OK$/.test(line) && !/NOT OK$/.test(line))
  const wholePaths = verdicts.map((line) => line.slice(0, line.lastIndexOf(': ')))
  const failing = paths.filter((path) => !wholePaths.some((whole) => whole === path || whole.endsWith(`:${path}`)))
  return new Map(failing.map((path) => [path, problemOf(path, stderr)]))
}

function problemOf(path: string, stderr: string): string {
  const start = `error: ${path}: `
  const told = stderr.split('\n').find((line) => line.startsWith(start))
  return told === undefined ? 'its digests do not match its content' : told.slice(start.length)
}

/** SIGMD5 is of header and payload; packages of the newest format have none, and there the header holds the payload's. */
const FORMAT = `${[
  '%{NAME}',
  '%{EPOCHNUM}',
  '%{VERSION}',
  '%{RELEASE}',
  '%|SOURCEPACKAGE?{src}:{%{ARCH}}|',
  '%|SIGMD5?{%{SIGMD5}}:{%{SHA256HEADER}}|',
].join('\\t')}\\n`

/** `paths` are of whole packages, so that each has its line. */
async function query(task: Task, paths: readonly string[]): Promise<PackageFile[]> {
  if (paths.length === 0) return []
  const flags = ['--nosignature', '--nodigest', '--nomanifest', '--noglob', '--queryformat', FORMAT]
  // rpm 4.18, lib/rpmgi.c: macros in names of files are expanded, and %(...) is a command
  const literally = paths.map((path) => path.replaceAll('%', '%%'))
  const { stdout } = await runCommand(task, ['rpm', '--query', '--package', ...flags, ...literally], PACKAGE)
  const lines = stdout.split('\n').slice(0, -1)
  if (lines.length !== paths.length) throw new Error(`unreachable: rpm described ${lines.length} of ${paths.length}`)
  return paths.map((path, index) => {
    const [name = '', epoch, version = '', release = '', arch = '', digest = ''] = lines[index]?.split('\t') ?? []
    return { path, name, epoch: Number(epoch), version, release, arch, digest }
  })
}
