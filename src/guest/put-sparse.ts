/** Files with holes for guests whose tar would write every zero: only the parts with data go there. */
import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { runCommand } from '../base/process.js'
import type { Task } from '../base/task.js'
import { copyFailed } from './copy-ways.js'
import type { Guest } from './guest.js'
import { countBytes } from './progress.js'

export interface SparseFile {
  /** Absolute. */
  readonly file: string
  readonly sizeBytes: number
  readonly mode: number
  readonly mtimeMs: number
}

/** With less in its holes a file is no slower in tar. */
const WORTH_BYTES = 1024 ** 2

/**
 * Those below the directory `file`, or `file` itself. Links are not followed; files with several names, and names that
 * are not UTF-8, are left to tar.
 */
export async function findSparseFiles(task: Task, file: string): Promise<SparseFile[]> {
  task.signal.throwIfAborted()
  const entry = await lstat(file).catch(() => undefined) // tar will say it
  if (entry === undefined) return []
  if (entry.isDirectory()) {
    const found: SparseFile[] = []
    for (const name of await readdir(file, { encoding: 'buffer' }).catch(() => []))
      if (isUtf8(name)) found.push(...(await findSparseFiles(task, path.join(file, name.toString()))))
    return found
  }
  if (!entry.isFile() || entry.nlink > 1 || entry.size - entry.blocks * 512 < WORTH_BYTES) return []
  return [{ file, sizeBytes: entry.size, mode: entry.mode & 0o777, mtimeMs: entry.mtimeMs }]
}

function isUtf8(name: Buffer): boolean {
  return Buffer.from(name.toString()).equals(name)
}

/** `dd` counts in these; a multiple of the block size of common file systems. */
const BLOCK_BYTES = 64 * 1024
/** Each takes a `dd` in the guest. */
const MOST_EXTENTS = 256

/** In blocks. */
interface Extent {
  readonly from: number
  readonly count: number
}

/** `dd` cannot tell our end from that of the connection. */
const END = 'all-sent'

/** $1: where it shall be, $2: a name beside it, $3: size, $4: mode, $5: mtime in seconds, then FROM COUNT of each extent. */
const RECEIVE = `
[ -d "$1" ] && { echo "$1 is a directory" >&2; exit 1; }
umask 077
mkdir -p "\${2%/*}/" || exit 1
file=$2 final=$1 size=$3 mode=$4 time=$5
shift 5
fill() {
  while [ $# -gt 0 ]; do
    dd of="$file" bs=${BLOCK_BYTES} seek="$1" count="$2" conv=notrunc iflag=fullblock status=none || return 1
    shift 2
  done
  dd if=/dev/null of="$file" bs=1 seek="$size" count=0 status=none
}
if ! fill "$@"; then :
elif [ "$(dd bs=${END.length} count=1 iflag=fullblock status=none)" != ${END} ]; then echo "not all that was sent has arrived" >&2
else
  touch -d "@$time" "$file"
  chmod "$mode" "$file" && mv -f "$file" "$final" && exit 0
fi
rm -f "$file"
exit 1
`

/** What `RECEIVE` needs. */
const CAN_RECEIVE = 'dd if=/dev/null of=/dev/null bs=1 count=0 iflag=fullblock status=none'

/** False: the tools of the guest are too few, and tar must do it. */
export async function canPutSparse(task: Task, guest: Guest): Promise<boolean> {
  return (await guest.run(task, CAN_RECEIVE)).exitCode === 0
}

/**
 * Writes `sparse` to the absolute or relative path `final` in the guest, its directories made if they are missing.
 * Nothing half-copied stands under that name. Throws `LAGO_COPY_FAILED`, `LAGO_NO_SPACE`.
 */
export async function putSparse(task: Task, guest: Guest, sparse: SparseFile, final: string): Promise<void> {
  const extents = await extentsOf(task, sparse)
  const beside = path.posix.join(path.posix.dirname(final), `.lago-${randomBytes(6).toString('hex')}`)
  const facts = [sparse.sizeBytes, sparse.mode.toString(8), Math.floor(sparse.mtimeMs / 1000)].map(String)
  const numbers = extents.flatMap(({ from, count }) => [String(from), String(count)])
  const words = ['sh', '-c', RECEIVE, 'sh', withSlash(final), withSlash(beside), ...facts, ...numbers]
  const { stdin, stdout, ended } = guest.start(task, words)
  stdout.resume()
  const totalBytes = extents.reduce((sum, { count }) => sum + count * BLOCK_BYTES, 0)
  const sent = pipeline(
    Readable.from(contentOf(sparse, extents), { objectMode: false }),
    countBytes(task, totalBytes),
    stdin,
  )
  sent.catch(() => undefined) // the receiver says why it ended early
  const { exitCode, stderr } = await ended
  if (exitCode !== 0) throw copyFailed(`copy ${sparse.file} to ${guest.vm}:${final}`, stderr)
  await sent
}

/** So that there is something before the last slash. */
function withSlash(file: string): string {
  return file.includes('/') ? file : `./${file}`
}

/** Where there may be data; gaps that are not worth a `dd` count as data. */
async function extentsOf(task: Task, { file, sizeBytes }: SparseFile): Promise<readonly Extent[]> {
  const argv = ['qemu-img', 'map', '-U', '-f', 'raw', '--output=json', file] as const
  const { stdout } = await runCommand(task, argv, { package: 'qemu-utils' })
  const ranges = JSON.parse(stdout) as readonly { start: number; length: number; data: boolean }[] // qemu-img(1), map
  const blocks = Math.ceil(sizeBytes / BLOCK_BYTES)
  const withData = ranges
    .filter(({ data, start }) => data && start < sizeBytes)
    .map(({ start, length }) => {
      const from = Math.floor(start / BLOCK_BYTES)
      return { from, count: Math.min(Math.ceil((start + length) / BLOCK_BYTES), blocks) - from }
    })
  for (let gap = 0; ; gap = gap * 2 + 1) {
    const joined = joinNear(withData, gap)
    if (joined.length <= MOST_EXTENTS) return joined
  }
}

/** Those with at most `gap` blocks between them become one. */
function joinNear(extents: readonly Extent[], gap: number): readonly Extent[] {
  const joined: Extent[] = []
  for (const { from, count } of extents) {
    const last = joined.at(-1)
    if (last === undefined || from - (last.from + last.count) > gap) joined.push({ from, count })
    else joined[joined.length - 1] = { from: last.from, count: Math.max(last.count, from + count - last.from) }
  }
  return joined
}

/** Whole blocks and `END`; past the end of the file, which may also have become shorter, there are zeros. */
async function* contentOf({ file }: SparseFile, extents: readonly Extent[]): AsyncGenerator<Buffer> {
  for (const { from, count } of extents) {
    let left = count * BLOCK_BYTES
    const start = from * BLOCK_BYTES
    for await (const chunk of createReadStream(file, { start, end: start + left - 1, highWaterMark: BLOCK_BYTES })) {
      left -= (chunk as Buffer).length // without an encoding there is nothing else
      yield chunk as Buffer
    }
    for (; left > 0; left -= BLOCK_BYTES) yield Buffer.alloc(Math.min(left, BLOCK_BYTES))
  }
  yield Buffer.from(END)
}
