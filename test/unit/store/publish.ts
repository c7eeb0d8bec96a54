/** Makes template repositories of real images for the tests of the store. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { forbidDownloads } from '../../../src/store/download/offline.js'
import type { RepositoryOptions } from '../../../src/store/open-repository.js'
import type { TemplateSource, TemplateVersion } from '../../../src/store/types.js'

export interface PublishedImage {
  readonly sha1: string
  /** What a raw image of it must hold. */
  readonly content: Buffer
}

export interface PublishOptions {
  readonly format?: string
  readonly text?: string
  readonly metadata?: unknown
}

/** Puts `<handle>`, `<handle>.hash` and `<handle>.metadata` into `dir`; the image holds `text` over and over. */
export async function publishImage(
  dir: string,
  handle: string,
  { format = 'qcow2', text = 'guest', metadata = {} }: PublishOptions = {},
): Promise<PublishedImage> {
  const imagePath = path.join(dir, handle)
  const content = Buffer.alloc(256 * 1024, text)
  await writeFile(`${imagePath}.raw`, content)
  execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', format, `${imagePath}.raw`, imagePath])
  const sha1 = createHash('sha1')
    .update(await readFile(imagePath))
    .digest('hex')
  await writeFile(`${imagePath}.hash`, `${sha1}\n`)
  await writeFile(`${imagePath}.metadata`, JSON.stringify(metadata))
  return { sha1, content }
}

/** Writes `dir/repo.json` and gives its path. */
export async function writeRepository(dir: string, content: unknown, name = 'repo.json'): Promise<string> {
  const filePath = path.join(dir, name)
  await writeFile(filePath, typeof content === 'string' ? content : JSON.stringify(content))
  return filePath
}

/** For repositories without a network: `options` beside where the file is. */
export function repositoryOptions(options: Partial<RepositoryOptions>): RepositoryOptions {
  return { reposDir: '/nonexistent', cacheDir: '/nonexistent', vars: {}, downloader: forbidDownloads(), ...options }
}

/** Template `t` in version `v1` of repository `r`, at the source. */
export function versionOf(
  source: TemplateSource,
  handle: string,
  more: Partial<TemplateVersion> = {},
): TemplateVersion {
  return {
    ref: { repo: 'r', name: 't', version: 'v1' },
    timestamp: 1,
    repository: '/repo.json',
    source,
    handle,
    digests: [],
    checksums: [],
    metadata: undefined,
    sibling: (template, version) => {
      throw new Error(`nothing is laid over ${template}:${version}`)
    },
    ...more,
  }
}
