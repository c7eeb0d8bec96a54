/**
 * From operations to debugfs's commands. Each works on a single name in a directory that `cd` has gone to by the number
 * of its inode, so debugfs looks nothing up on a path and follows no link.
 */
import { LagoError } from '../../base/errors.js'
import type { Task } from '../../base/task.js'
import type { Ext4 } from '../ext4/file-system.js'
import type { Access, FileOperation, LinkOperation, WriteOperation } from './operations.js'
import { findDirectory, inTheWay, openView, partsOf, type Directory, type View } from './view.js'

export interface Batch {
  readonly commands: readonly Command[]
  /** What `write` reads, by its index. */
  readonly contents: readonly Buffer[]
}

export type Command =
  | { readonly words: readonly string[] }
  /** Its source is one of `contents`. */
  | { readonly write: string; readonly content: number }

/**
 * Throws `LAGO_DISK_UNWRITABLE` for what the file system has in the way, `LAGO_FILE_NAME` for a path that debugfs cannot
 * be told.
 */
export async function planBatch(task: Task, fs: Ext4, operations: readonly FileOperation[]): Promise<Batch> {
  const batch = new BatchBuilder(await openView(task, fs))
  for (const operation of operations) await batch.add(task, operation)
  return batch
}

class BatchBuilder implements Batch {
  readonly commands: Command[] = []
  readonly contents: Buffer[] = []
  readonly #view: View
  #current: Directory | undefined

  constructor(view: View) {
    this.#view = view
  }

  async add(task: Task, operation: FileOperation): Promise<void> {
    const { path } = operation
    const { parentPath, name } = split(path)
    switch (operation.kind) {
      case 'directory':
        this.#enter(await this.#reach(task, path, path))
        return this.#setAccess('.', DIRECTORY_TYPE, operation)
      case 'file':
        return this.#write(operation, await this.#clear(task, path, await this.#reach(task, path, parentPath)), name)
      case 'symlink':
        return this.#link(operation, await this.#clear(task, path, await this.#reach(task, path, parentPath)), name)
      case 'remove': {
        const parent = await findDirectory(task, this.#view, { path: parentPath, make: () => undefined })
        if (parent !== undefined) await this.#clear(task, path, parent)
      }
    }
  }

  /** The directory at `dirPath`, made where it is missing; `path` is what it is wanted for. */
  async #reach(task: Task, path: string, dirPath: string): Promise<Directory> {
    const make = (parent: Directory, name: string): Directory => this.#makeDirectory(path, parent, name)
    return findDirectory(task, this.#view, { path: dirPath, make })
  }

  #makeDirectory(path: string, parent: Directory, name: string): Directory {
    this.#open(path, parent)
    this.#run('mkdir', name)
    const made = { kind: 'directory', madeIn: parent, name } as const
    this.#view.set(parent, name, made)
    return made
  }

  #write(operation: WriteOperation, parent: Directory, name: string): void {
    this.#open(operation.path, parent)
    this.commands.push({ write: name, content: this.contents.push(operation.content) - 1 })
    this.#setAccess(`./${name}`, FILE_TYPE, operation)
    this.#view.set(parent, name, { kind: 'file' })
  }

  #link({ path, target }: LinkOperation, parent: Directory, name: string): void {
    this.#open(path, parent)
    this.#run('symlink', name, target)
    this.#view.set(parent, name, { kind: 'symlink', target })
  }

  /** Removes what is at `path`, whose last part is in `parent`. Gives `parent`. */
  async #clear(task: Task, path: string, parent: Directory): Promise<Directory> {
    const { name } = split(path)
    const found = await this.#view.find(task, parent, name)
    if (found === undefined) return parent
    if (found.kind === 'directory') throw inTheWay(path, 'it is a directory')
    if (found.inode?.hasAttributeBlock === true)
      throw inTheWay(path, 'what is there has a block of extended attributes, which debugfs would lose')
    this.#open(path, parent)
    this.#run('rm', name)
    this.#view.set(parent, name, undefined)
    return parent
  }

  /** `target` with `./` before it: debugfs takes `<5>` for the number of an inode. */
  #setAccess(target: string, type: number, { mode, uid = 0, gid = 0 }: Access): void {
    this.#run('sif', target, 'mode', `0${(type | mode).toString(8)}`)
    this.#run('sif', target, 'uid', String(uid))
    this.#run('sif', target, 'gid', String(gid))
  }

  /** Goes to a directory whose entries are to change. */
  #open(path: string, directory: Directory): void {
    if ('inode' in directory && (directory.inode.isEncrypted || directory.inode.isCasefolded))
      throw inTheWay(path, 'the directory is encrypted, or does not tell names by case')
    this.#enter(directory)
  }

  #enter(directory: Directory): void {
    if (directory === this.#current) return
    if ('inode' in directory) this.#run('cd', `<${directory.inode.number}>`)
    else {
      this.#enter(directory.madeIn)
      this.#run('cd', `./${directory.name}`)
    }
    this.#current = directory
  }

  #run(...words: readonly string[]): void {
    this.commands.push({ words })
  }
}

/** Of an inode's mode (ext2_fs.h). */
const FILE_TYPE = 0o100000
const DIRECTORY_TYPE = 0o040000

function split(path: string): { readonly parentPath: string; readonly name: string } {
  const parts = partsOf(path)
  const name = parts.pop()
  if (!path.startsWith('/') || name === undefined || parts.includes('..') || name === '..')
    throw new Error(`not the absolute path of a file: ${path}`)
  return { parentPath: `/${parts.join('/')}`, name }
}

/** debugfs reads lines of 8191 bytes at most (stdio.h, glibc 2.36: BUFSIZ). */
const MAX_LINE_BYTES = 8000
/** With `./` before it. */
const MAX_NAME_BYTES = 2 + 255

/**
 * One line of a batch: words in quotes, in which a quote is doubled (libss, e2fsprogs 1.47, parse.c). The first word
 * is one of ours; a line that began with `!` would be a shell's. Throws `LAGO_FILE_NAME` for what no line can hold.
 */
export function debugfsLine([command = '', ...words]: readonly string[]): string {
  for (const word of words) if (/[\0\r\n]/.test(word)) throw unspeakable(word, 'there is a line break or a NUL in it')
  const line = [command, ...words.map((word) => `"${word.replaceAll('"', '""')}"`)].join(' ')
  const [name = ''] = words
  if (Buffer.byteLength(line) > MAX_LINE_BYTES || Buffer.byteLength(name) > MAX_NAME_BYTES)
    throw unspeakable(name, 'it is too long')
  return line
}

function unspeakable(word: string, why: string): LagoError {
  return new LagoError('LAGO_FILE_NAME', `debugfs cannot name ${JSON.stringify(word.slice(0, 300))}: ${why}`, {
    hint: 'choose another name',
  })
}
