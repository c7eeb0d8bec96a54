/** Other programs read what we write; each of the three trees of names is looked at by itself. */
import { execFileSync } from 'node:child_process'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { isoImage, type IsoFile } from '../../../../src/bootstrap/cloud-init/iso-image.js'
import { useTempDirs } from '../../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const LABEL = { label: 'cidata' }

const SEED: readonly IsoFile[] = [
  { name: 'user-data', content: '#cloud-config\n'.repeat(1000) },
  { name: 'meta-data', content: 'ä' },
  { name: 'network-config', content: 'x'.repeat(2048) },
  { name: 'empty', content: '' },
]

async function imageOf(files: readonly IsoFile[]): Promise<string> {
  const file = path.join(await makeTempDir(), 'image.iso')
  await writeFile(file, isoImage(files, LABEL))
  return file
}

function xorriso(...words: string[]): string {
  return execFileSync('xorriso', ['-report_about', 'SORRY', ...words], { encoding: 'utf8', stdio: 'pipe' })
}

/** Of what another program put into `dir`. */
async function contentsOf(dir: string): Promise<Record<string, string>> {
  const names = (await readdir(dir)).sort()
  const read = names.map(async (name) => [name, await readFile(path.join(dir, name), 'utf8')] as const)
  return Object.fromEntries(await Promise.all(read))
}

function named(files: readonly IsoFile[], nameOf = (name: string) => name): Record<string, string> {
  return Object.fromEntries(files.map(({ name, content }) => [nameOf(name), content]))
}

describe('the files come out as they went in', () => {
  const many = Array.from({ length: 100 }, (_, index) => ({
    name: `a-rather-long.name_${index}`,
    content: String(index).repeat(index * 37),
  }))

  test.each([
    ['by Rock Ridge', 'any', (name: string) => name],
    ['by Joliet', 'norock', (name: string) => name],
    ['by the standard alone', 'ecma119', (name: string) => name.toUpperCase().replace(/[^A-Z0-9]/g, '_')],
  ])('%s', async (_, tree, nameOf) => {
    for (const files of [SEED, many, []]) {
      const image = await imageOf(files)
      const out = path.join(path.dirname(image), 'out')
      xorriso('-read_fs', tree, '-osirrox', 'on', '-indev', image, '-extract', '/', out)
      execFileSync('chmod', ['-R', 'u+rwX', out])
      expect(await contentsOf(out)).toEqual(named(files, nameOf))
    }
  })
})

test('the label is found, and both extensions', async () => {
  const image = await imageOf(SEED)
  const words = ['-p', '-o', 'export', image]
  const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` }
  const found = execFileSync('blkid', words, { encoding: 'utf8', env })
  expect(found.split('\n')).toEqual(expect.arrayContaining(['LABEL=cidata', 'TYPE=iso9660', 'BLOCK_SIZE=2048']))
  expect(xorriso('-indev', image, '-toc')).toContain('Rock_Ridge Joliet')
})

test('nobody but root may read the files', async () => {
  const listing = xorriso('-indev', await imageOf(SEED), '-lsl', '/')
  const lines = listing.split('\n').filter((line) => line.endsWith("'"))
  expect(lines).toHaveLength(SEED.length)
  for (const line of lines) expect(line).toMatch(/^-r-------- +1 0 +0 /)
})

test('every block is there: the size is whole sectors, and that which the volume tells', async () => {
  const image = isoImage(SEED, LABEL)
  expect(image.length % 2048).toBe(0)
  expect(image.length).toBeGreaterThan(0x11000) // busybox looks at so much, and gives up on less
  expect(image.readUInt32LE(16 * 2048 + 80) * 2048).toBe(image.length)
})

test('the same files give the same bytes', () => {
  expect(isoImage(SEED, LABEL).equals(isoImage(SEED, LABEL))).toBe(true)
})

test.each(['', '.\0', 'a/b', 'ä', 'x'.repeat(29)])('a name that it cannot carry is refused: %j', (name) => {
  expect(() => isoImage([{ name, content: '' }], LABEL)).toThrow('not a name')
  expect(() => isoImage([], { label: `${name}.` })).toThrow('not a label')
})

const known = await readFile('/proc/filesystems', 'utf8').catch(() => '')
const missing =
  process.getuid?.() !== 0 ? 'only root may mount' : /\biso9660$/m.test(known) ? undefined : 'no isofs in this kernel'
const testMounted = missing === undefined ? test : test.skip

testMounted(`Linux mounts it${missing === undefined ? '' : `: not tried, ${missing}`}`, async () => {
  const image = await imageOf(SEED)
  const place = path.join(path.dirname(image), 'place')
  await mkdir(place)
  for (const options of ['loop,ro', 'loop,ro,norock']) {
    execFileSync('mount', ['-o', options, image, place])
    try {
      expect(await contentsOf(place)).toEqual(named(SEED))
      if (options === 'loop,ro') expect((await stat(path.join(place, 'user-data'))).mode & 0o777).toBe(0o400)
    } finally {
      execFileSync('umount', [place])
    }
  }
})
