import { expect, test } from '@jest/globals'
import { compatibleArches, hostArch } from '../../../src/rpm/arches.js'
import { choosePackages, type Choice } from '../../../src/rpm/choose-packages.js'
import { nevra } from '../../../src/rpm/package.js'
import type { RepositoryPackage } from '../../../src/rpm/repository-package.js'

/** `name-epoch:version-release.arch`. */
function packageOf(text: string): RepositoryPackage {
  const [, name = '', epoch = '0', version = '', release = '', arch = ''] =
    /^(.+)-(?:(\d+):)?([^-]+)-([^-]+)\.([^.]+)$/.exec(text) ?? []
  const checksum = { algorithm: 'sha256', hex: 'a' }
  return {
    name,
    epoch: Number(epoch),
    version,
    release,
    arch,
    href: `${text}.rpm`,
    baseUrl: undefined,
    sizeBytes: 1,
    checksum,
  }
}

function chosen(packages: readonly string[], choice: Partial<Choice> = {}): string[] {
  const all = { arches: compatibleArches('x86_64'), includes: [], excludes: [], ...choice }
  return choosePackages(packages.map(packageOf), all).map(nevra)
}

test('the newest of each name and architecture is taken, by rpm’s rule', () => {
  const packages = [
    'a-1.9-1.noarch',
    'a-1.10-1.noarch',
    'a-1.10~rc1-1.noarch',
    'a-2-1.x86_64',
    'b-1:1-1.noarch',
    'b-9-1.noarch',
  ]
  expect(chosen(packages)).toEqual(['a-1.10-1.noarch', 'a-2-1.x86_64', 'b-1:1-1.noarch'])
})

test('what the machines cannot use is left out, and sources', () => {
  const packages = [
    'a-1-1.x86_64',
    'b-1-1.aarch64',
    'c-1-1.src',
    'd-1-1.i686',
    'e-1-1.ppc64le',
    'f-1-1.nosrc',
    'g-1-1.noarch',
  ]
  expect(chosen(packages)).toEqual(['a-1-1.x86_64', 'd-1-1.i686', 'g-1-1.noarch'])
  expect(chosen(packages, { arches: compatibleArches('aarch64') })).toEqual(['b-1-1.aarch64', 'g-1-1.noarch'])
})

const VDSM = [
  'vdsm-4.20-1.el7.x86_64',
  'vdsm-4.19-1.el7.x86_64',
  'vdsm-cli-4.20-1.el7.noarch',
  'java-1-1.i686',
  'java-1-1.x86_64',
]

test.each<[pattern: string, left: string[]]>([
  ['vdsm', ['java-1-1.i686', 'java-1-1.x86_64', 'vdsm-cli-4.20-1.el7.noarch']],
  ['vdsm*', ['java-1-1.i686', 'java-1-1.x86_64']],
  ['vdsm-*', ['java-1-1.i686', 'java-1-1.x86_64', 'vdsm-4.20-1.el7.x86_64']],
  ['*.i686', ['java-1-1.x86_64', 'vdsm-4.20-1.el7.x86_64', 'vdsm-cli-4.20-1.el7.noarch']],
  ['vdsm-4.20*', ['java-1-1.i686', 'java-1-1.x86_64', 'vdsm-4.19-1.el7.x86_64', 'vdsm-cli-4.20-1.el7.noarch']],
  [
    'vdsm-0:4.20-1.el7.x86_64',
    ['java-1-1.i686', 'java-1-1.x86_64', 'vdsm-4.19-1.el7.x86_64', 'vdsm-cli-4.20-1.el7.noarch'],
  ],
  ['[j-v]*', []],
  ['[!v]*', ['vdsm-4.20-1.el7.x86_64', 'vdsm-cli-4.20-1.el7.noarch']],
  ['jav?', ['vdsm-4.20-1.el7.x86_64', 'vdsm-cli-4.20-1.el7.noarch']],
  ['nothing', ['java-1-1.i686', 'java-1-1.x86_64', 'vdsm-4.20-1.el7.x86_64', 'vdsm-cli-4.20-1.el7.noarch']],
])('excluded by %s', (pattern, left) => {
  expect(chosen(VDSM, { excludes: [pattern] })).toEqual(left)
})

test('only what is included is taken, without what is excluded', () => {
  expect(chosen(VDSM, { includes: ['vdsm*'], excludes: ['vdsm-cli'] })).toEqual(['vdsm-4.20-1.el7.x86_64'])
  expect(chosen(VDSM, { includes: ['nothing'] })).toEqual([])
})

test('an architecture that nobody knows is refused with those that are known', () => {
  expect(() => compatibleArches('vax')).toThrow(
    expect.objectContaining({ code: 'LAGO_USAGE', hint: expect.stringContaining('x86_64') }),
  )
  expect(compatibleArches(hostArch())).toContain('noarch')
})
