/** What servers may give in the place of repodata. */
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { readPrimary } from '../../../src/rpm/primary.js'
import { parseRepomd } from '../../../src/rpm/repomd.js'

const HEX = 'a'.repeat(64)

function entry(
  fields: Partial<Record<'name' | 'arch' | 'version' | 'checksum' | 'size' | 'location', string>> = {},
): string {
  const all = {
    name: '<name>foo</name>',
    arch: '<arch>noarch</arch>',
    version: '<version epoch="1" ver="2~rc1" rel="3"/>',
    checksum: `<checksum type="sha256" pkgid="YES">${HEX}</checksum>`,
    size: '<size package="12" installed="1"/>',
    location: '<location href="Packages/f/foo.rpm"/>',
    ...fields,
  }
  return `<package type="rpm">${Object.values(all).join('')}<format><rpm:license>x &amp; y</rpm:license></format></package>`
}

function list(...entries: string[]): string {
  return `<?xml version="1.0"?><metadata xmlns="c" xmlns:rpm="r" packages="1">${entries.join('')}</metadata>`
}

async function* pieces(text: string, length = 7): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text)
  for (let from = 0; from < bytes.length; from += length) yield bytes.subarray(from, from + length)
}

test('a list is read however it is cut in pieces', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 400 }), async (length) => {
      const text = list(
        entry(),
        entry({ name: '<name>b\u00e4r</name>', location: '<location href="./b.rpm" xml:base="http://x/y"/>' }),
      )
      expect(await readPrimary(pieces(text, length), 'list')).toEqual([
        {
          ...{ name: 'foo', epoch: 1, version: '2~rc1', release: '3', arch: 'noarch' },
          ...{ href: 'Packages/f/foo.rpm', baseUrl: undefined, sizeBytes: 12 },
          checksum: { algorithm: 'sha256', hex: HEX },
        },
        expect.objectContaining({ name: 'b\u00e4r', href: 'b.rpm', baseUrl: 'http://x/y' }),
      ])
    }),
    { numRuns: 40 },
  )
})

test.each([
  '../../etc/cron.d/x.rpm',
  '/etc/x.rpm',
  'a/../../x.rpm',
  'file:///etc/x.rpm',
  'http://elsewhere/x.rpm',
  'a//x.rpm',
  'a/./x.rpm',
  'a\\..\\x.rpm',
  'a&#10;b.rpm',
  '.lago-verified.json',
])('a package at %s is refused', async (href) => {
  const reading = readPrimary(pieces(list(entry({ location: `<location href="${href}"/>` }))), 'the list L')
  await expect(reading).rejects.toMatchObject({
    code: 'LAGO_RPM_REPOSITORY',
    message: expect.stringMatching(/^the list L: the package "foo"/),
  })
})

describe('is not believed', () => {
  test.each<[what: string, text: string, message: RegExp]>([
    ['a page of words', '<html><body>log in<br></body></html>', /is no XML that can be read/],
    ['an empty file', '', /is no (XML|list)/],
    ['other XML', '<html></html>', /is no list of packages/],
    ['a list that breaks off', list(entry()).slice(0, -30), /is no XML that can be read/],
    ['a package without a checksum', list(entry({ checksum: '' })), /the package "foo" has no checksum/],
    [
      'a package with md5',
      list(entry({ checksum: `<checksum type="md5">${'a'.repeat(32)}</checksum>` })),
      /type "md5"/,
    ],
    ['a package without a size', list(entry({ size: '<size package="many"/>' })), /has no size/],
    ['a package without a name', list(entry({ name: '' })), /the package "" has no name/],
    ['an entity that is none', list(entry({ name: '<name>&bomb;</name>' })), /is no XML that can be read/],
  ])('%s', async (_, text, message) => {
    await expect(readPrimary(pieces(text), 'L')).rejects.toMatchObject({
      code: 'LAGO_RPM_REPOSITORY',
      message: expect.stringMatching(message),
    })
  })
})

test('a description longer than any buffer does not harm', async () => {
  const long = entry().replace('<format>', `<description>${'long &lt; '.repeat(50_000)}</description><format>`)
  expect(await readPrimary(pieces(list(long), 60_000), 'L')).toHaveLength(1)
})

test('repomd.xml names the list of packages, among others', async () => {
  const text = `<repomd xmlns="r"><data type="other"><location href="o"/></data>
    <data type="primary"><checksum type="sha">${'b'.repeat(40)}</checksum><location href="repodata/p.xml.gz"/>
    <size>10</size><open-size>100</open-size></data><data type="filelists"><location href="f"/></data></repomd>`
  expect(await parseRepomd(text, 'M')).toEqual({
    href: 'repodata/p.xml.gz',
    checksum: { algorithm: 'sha1', hex: 'b'.repeat(40) },
    sizeBytes: 10,
    openSizeBytes: 100,
  })
})

test.each([
  ['<repomd><data type="other"><location href="o"/></data></repomd>', /names no list of packages/],
  ['404 not found', /is no XML/],
  [
    `<repomd><data type="primary"><checksum type="sha256">${HEX}</checksum><location href="../x"/></data></repomd>`,
    /leads out of the repository: "..\/x"/,
  ],
  ['<repomd><data type="primary"><location href="x"/></data></repomd>', /has no checksum that can be used/],
])('a repomd.xml is refused: %s', async (text, message) => {
  await expect(parseRepomd(text, 'M')).rejects.toMatchObject({
    code: 'LAGO_RPM_REPOSITORY',
    message: expect.stringMatching(message),
  })
})
