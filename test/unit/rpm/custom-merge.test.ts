import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { pickPackages } from '../../../src/rpm/pick-packages.js'
import { customSourcesFor, type CustomMergeOptions } from '../../../src/rpm/custom-merge.js'
import { parseCustomSource } from '../../../src/rpm/custom-source.js'
import { distroTagOf } from '../../../src/rpm/distro-tag.js'
import type { PackageFile } from '../../../src/rpm/read-packages.js'
import { readRepomanConfig, REPOMAN_OPTIONS } from '../../../src/rpm/repoman-config.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

function rpm(name: string, version: string, release = '1', arch = 'noarch'): PackageFile {
  const path = `/${name}-${version}-${release}`
  return { path, name, epoch: 0, version, release, arch, digest: path }
}

type Custom = readonly (readonly [text: string, packages: readonly PackageFile[]])[]

function sources(custom: Custom, options: Partial<CustomMergeOptions> = {}, recorded = recordedTask()) {
  const read = custom.map(([text, packages]) => ({ source: parseCustomSource(text, '/'), packages }))
  const forDistro = customSourcesFor(recorded.task, read, { ...REPOMAN_OPTIONS, distros: ['el7', 'fc24'], ...options })
  return (distro: string): string[] =>
    pickPackages(forDistro(distro), 'x86_64')
      .chosen.map((file) => file.path)
      .sort()
}

test.each([
  ['1.el7', 'el7'],
  ['2.el7_3.1', 'el7'],
  ['0.1.git.fc23', 'fc23'],
  ['1.el7.centos', 'el7'],
  ['1', undefined],
  ['1.elan', undefined],
  ['1el7', undefined],
])('the release %s is for %s', (release, tag) => {
  expect(distroTagOf(release)).toBe(tag)
})

describe('customSourcesFor', () => {
  test('the newest of all sources wins; what only fills gaps comes behind', () => {
    const custom: Custom = [
      ['one', [rpm('a', '1'), rpm('b', '2')]],
      ['gaps:only-missing', [rpm('a', '9'), rpm('c', '1')]],
      ['two', [rpm('a', '2'), rpm('b', '1')]],
    ]
    expect(sources(custom)('el7')).toEqual(['/a-2-1', '/b-2-1', '/c-1-1'])
  })

  test('several versions of a name only from the source that says so', () => {
    const versions = ['1', '2', '3'].map((version) => rpm('a', version))
    expect(sources([['d:latest=2', versions]])('el7')).toEqual(['/a-2-1', '/a-3-1'])
    expect(sources([['d', versions]])('el7')).toEqual(['/a-3-1'])
  })

  test('a package goes where its release says, without a word everywhere', () => {
    const recorded = recordedTask()
    const packages = [rpm('a', '1', '1.el7'), rpm('a', '2', '1.fc24'), rpm('b', '1'), rpm('c', '1', '1.el6')]
    const found = sources([['d', packages]], {}, recorded)
    expect(found('el7')).toEqual(['/a-1-1.el7', '/b-1-1'])
    expect(found('fc24')).toEqual(['/a-2-1.fc24', '/b-1-1'])
    expect(recorded.messages('info')).toEqual([
      'c-1-1.el6.noarch is left out: it is for el6, and the machines are of el7, fc24',
    ])
  })

  test('without a distribution it may fail, or be left out', () => {
    const packages = [rpm('a', '1'), rpm('b', '1', '1.el7'), rpm('a', '1', '1', 'src')]
    expect(() => sources([['d', packages]], { onWrongDistro: 'fail' })).toThrow(
      expect.objectContaining({ code: 'LAGO_RPM_DISTRO', message: 'the release of /a-1-1 names no distribution: 1' }),
    )
    const recorded = recordedTask()
    expect(sources([['d', packages]], { onWrongDistro: 'warn' }, recorded)('el7')).toEqual(['/b-1-1.el7'])
    expect(recorded.messages('warning')).toEqual(['a-1-1.noarch is left out: its release names no distribution'])
  })

  test('a source without packages is a warning, or an error', () => {
    const recorded = recordedTask()
    expect(sources([['d', []]], {}, recorded)('el7')).toEqual([])
    expect(recorded.messages('warning')).toEqual(['custom source "d" has no packages'])
    expect(() => sources([['d', []]], { onEmptySource: 'fail' })).toThrow(
      expect.objectContaining({ code: 'LAGO_RPM_SOURCE' }),
    )
  })
})

describe('readRepomanConfig', () => {
  async function read(text: string, recorded = recordedTask()): ReturnType<typeof readRepomanConfig> {
    const file = path.join(await makeTempDir(), 'repoman.conf')
    await writeFile(file, text)
    return readRepomanConfig(recorded.task, file)
  }

  test('takes what means something here, with the defaults of repoman', async () => {
    expect(await read('')).toEqual({ onEmptySource: 'fail', onWrongDistro: 'fail' })
    expect(await read('[main]\non_empty_source=warn\n[store.RPMStore]\non_wrong_distro = copy_to_all\n')).toEqual(
      REPOMAN_OPTIONS,
    )
    expect(await read('[main]\non_wrong_distro = skip\n')).toMatchObject({ onWrongDistro: 'warn' })
  })

  test('tells of everything else', async () => {
    const recorded = recordedTask()
    await read(
      '[main]\nstores = all\n[store.RPMStore]\nwith_srcrpms = true\nwith_sources = false\nrpm_dir =\n',
      recorded,
    )
    expect(recorded.messages('warning')).toEqual([
      expect.stringMatching(/repoman\.conf: \[main\] stores means nothing to Lago$/),
      expect.stringMatching(/repoman\.conf: with_srcrpms is always "false" with Lago$/),
    ])
  })

  test('is an error when it is not there', async () => {
    await expect(readRepomanConfig(recordedTask().task, '/none')).rejects.toMatchObject({
      code: 'LAGO_USAGE',
      message: 'error running repoman, /none not found',
    })
  })
})
