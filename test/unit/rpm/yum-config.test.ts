import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { knownSecrets } from '../../../src/base/secrets.js'
import { readYumConfig } from '../../../src/rpm/yum-config.js'
import { noRepositoryError, repositoriesFor, type YumRepository } from '../../../src/rpm/yum-repository.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const tempDir = useTempDirs()

async function written(text: string): Promise<string> {
  const file = path.join(await tempDir(), 'reposync-config.repo')
  await writeFile(file, text)
  return file
}

async function repositories(text: string, ...distros: string[]): Promise<readonly YumRepository[]> {
  return repositoriesFor(await readYumConfig(await written(text)), { distros, arch: 'x86_64' })
}

test('the repositories are those whose name ends in a distro of the machines; disabled ones too, main never', async () => {
  const text = `[main]
reposdir=/etc/reposync.repos.d
[ovirt-master-el7]
baseurl=http://host/a
[local-vdsm-build-el7]
baseurl=http://host/b
enabled=0
[base-el6]
baseurl=http://host/c
[el7-extras]
baseurl=http://host/d
[fedora-fc24]
baseurl=http://host/e
`
  const idsFor = async (...distros: string[]): Promise<string[]> =>
    (await repositories(text, ...distros)).map(({ id }) => id)
  expect(await idsFor('el7')).toEqual(['ovirt-master-el7', 'local-vdsm-build-el7'])
  expect(await idsFor('el6', 'fc24')).toEqual(['base-el6', 'fedora-fc24'])
  expect(await idsFor('main')).toEqual([])
  expect(await idsFor()).toEqual([])
})

test('addresses may be several, on lines of their own, with variables', async () => {
  const [found] = await repositories(
    `[r-el7]
name=el $releasever
baseurl=http://a/$releasever/$basearch/
  https://b/\${releasever}/$arch, file:///srv/r
    /srv/plain
mirrorlist=http://m/?repo=$releasever
`,
    'el7',
  )
  expect(found).toMatchObject({
    distro: 'el7',
    baseUrls: ['http://a/7/x86_64/', 'https://b/7/x86_64', 'file:///srv/r', 'file:///srv/plain'],
    mirrorlist: 'http://m/?repo=7',
    metalink: undefined,
    verifiesTls: true,
    proxy: undefined,
    user: undefined,
  })
  expect(found?.options.get('name')).toBe('el 7')
})

test('patterns of main and section add up; other options of main hold where the section is silent', async () => {
  const [a, b] = await repositories(
    `[main]
exclude=foo bar
sslverify=no
proxy=http://proxy:3128
proxy_username=me
proxy_password=proxy-pa:ss
[a-el7]
baseurl=http://a
excludepkgs=baz,
  qux*
includepkgs=x y
[b-el7]
baseurl=http://b
sslverify=1
proxy=_none_
username=u
password=b-pass
`,
    'el7',
  )
  expect(a).toMatchObject({ excludes: ['foo', 'bar', 'baz', 'qux*'], includes: ['x', 'y'], verifiesTls: false })
  expect(a?.proxy).toBe('http://me:proxy-pa%3Ass@proxy:3128/')
  expect(b).toMatchObject({ verifiesTls: true, proxy: 'none', user: { name: 'u', password: 'b-pass' } })
  expect([...knownSecrets()]).toEqual(expect.arrayContaining(['proxy-pa:ss', 'b-pass']))
})

test('a password in an address is a secret as well', async () => {
  await repositories('[a-el7]\nbaseurl=http://me:in%20url@host/a\n', 'el7')
  expect([...knownSecrets()]).toEqual(expect.arrayContaining(['in url', 'in%20url']))
})

test.each<[problem: string, text: string, message: RegExp, hint: RegExp]>([
  [
    'an unknown variable',
    '[a-el7]\nbaseurl=http://h/$infra/x\n',
    /\[a-el7\] has \$infra in its baseurl/,
    /\$releasever \(7\)/,
  ],
  ['no release', '[a-rawhide]\nbaseurl=http://h/$releasever\n', /\[a-rawhide\] has \$releasever/, /ends in no release/],
  ['no address', '[a-el7]\nname=a\n', /\[a-el7\] says nowhere where it is/, /baseurl/],
  ['no URL', '[a-el7]\nbaseurl=nowhere\n', /\[a-el7\] has a baseurl that is no URL/, /^undefined$/],
  [
    'another kind of URL',
    '[a-el7]\nbaseurl=ftp://h/\n',
    /\[a-el7\] has a baseurl of the kind ftp:/,
    /http, https and file/,
  ],
  ['no truth', '[a-el7]\nbaseurl=http://h\nsslverify=maybe\n', /sslverify = maybe/, /^undefined$/],
  ['a path for a name', '[../x/-el7]\nbaseurl=http://h\n', /\[\.\.\/x\/-el7\] has a name/, /letters/],
  ['a proxy that is none', '[a-el7]\nbaseurl=http://h\nproxy=p:x:y z\n', /has a proxy that is no URL/, /^undefined$/],
])('%s is refused, naming file and section', async (_, text, message, hint) => {
  const file = await written(text)
  const config = await readYumConfig(file)
  const read = (): unknown => repositoriesFor(config, { distros: ['el7', 'rawhide'], arch: 'x86_64' })
  expect(read).toThrow(expect.objectContaining({ code: 'LAGO_YUM_CONFIG', message: expect.stringMatching(message) }))
  expect(read).toThrow(expect.objectContaining({ message: expect.stringContaining(file) }))
  let caught: unknown
  try {
    read()
  } catch (error) {
    caught = error
  }
  expect(String((caught as { hint?: string }).hint)).toMatch(hint)
})

test('what other sections have wrong does not matter', async () => {
  const text = '[a-el7]\nbaseurl=http://h\n[b-el6]\nbaseurl=ftp://$x\n'
  expect(await repositories(text, 'el7')).toHaveLength(1)
})

test.each([
  ['[r-el7]\nbaseurl=file://@SUITE@/repo\n', ':2: @SUITE@ was not replaced by its value'],
  ['# @SUITE@ is told here\n[r-el7]\nname=@OVIRT_CI@\n', ':3: @OVIRT_CI@ was not replaced by its value'],
  ['[r-el7]\nnonsense\n', ':2: "nonsense" is neither [section] nor key = value'],
  ['baseurl=http://x\n', ':1: "baseurl" stands before the first [section]'],
])('a file that cannot be meant so is refused with its line: %j', async (text, message) => {
  const file = await written(text)
  await expect(readYumConfig(file)).rejects.toMatchObject({
    code: 'LAGO_YUM_CONFIG',
    message: `${file}${message}`,
    hint: expect.any(String),
  })
})

test('a file that is not there is named, and so is a directory', async () => {
  const dir = await tempDir()
  await expect(readYumConfig(path.join(dir, 'none'))).rejects.toMatchObject({
    code: 'LAGO_YUM_CONFIG',
    message: `cannot read the yum configuration ${dir}/none: there is no such file`,
  })
  await expect(readYumConfig(dir)).rejects.toMatchObject({ message: expect.stringContaining('it is a directory') })
})

test('where none is meant, it is said what there is', async () => {
  const config = await readYumConfig(await written('[main]\n[a-el6]\nbaseurl=http://h\n'))
  expect(repositoriesFor(config, { distros: ['el7', 'fc24'] })).toEqual([])
  expect(noRepositoryError(config, ['el7', 'fc24'])).toMatchObject({
    code: 'LAGO_NO_YUM_REPOSITORY',
    message: `no matching repositories found in ${config.configPath}: looked for -el7, -fc24`,
    hint: 'it has: a-el6',
  })
})
