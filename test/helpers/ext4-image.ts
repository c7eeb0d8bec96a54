/** Disk images with an ext file system, made without root and without mounting. */
import { execFileSync } from 'node:child_process'
import { truncate } from 'node:fs/promises'

export interface ImageRequest {
  readonly fromDir: string
  readonly type?: 'ext2' | 'ext3' | 'ext4'
  /** Further words for mke2fs. */
  readonly options?: readonly string[]
  readonly sizeMiB?: number
  /** Where on the image the file system begins. */
  readonly offsetBytes?: number
}

const MIB = 1024 ** 2
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`

export async function makeExtImage(imagePath: string, request: ImageRequest): Promise<string> {
  const { fromDir, type = 'ext4', options = [], sizeMiB = 32, offsetBytes = 0 } = request
  await truncate(imagePath, 0).catch(() => undefined)
  execFileSync('truncate', ['-s', String(offsetBytes + sizeMiB * MIB), imagePath])
  const place = offsetBytes === 0 ? [] : ['-E', `offset=${offsetBytes}`]
  const words = ['-q', '-F', '-t', type, ...options, ...place, '-d', fromDir, imagePath, `${sizeMiB}M`]
  run('mke2fs', words)
  return imagePath
}

/** `sfdisk`'s own script. */
export function partition(imagePath: string, script: string): void {
  execFileSync('sfdisk', ['-q', imagePath], { input: script, env: { ...process.env, PATH } })
}

/** Commands of debugfs, which may write what no honest file system has. */
export function debugfs(imagePath: string, commands: readonly string[]): string {
  const input = `${commands.join('\n')}\n`
  const options = { input, env: { ...process.env, PATH }, stdio: ['pipe', 'pipe', 'pipe'] as ['pipe', 'pipe', 'pipe'] }
  return execFileSync('debugfs', ['-w', '-f', '-', imagePath], options).toString()
}

function run(program: string, words: readonly string[]): void {
  execFileSync(program, words, { env: { ...process.env, PATH } })
}
