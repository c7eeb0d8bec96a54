import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { pickPackages } from '../../../src/rpm/pick-packages.js'
import { compareEvr } from '../../../src/rpm/evr.js'
import type { PackageFile } from '../../../src/rpm/read-packages.js'

function rpm(name: string, version = '1', arch = 'noarch'): PackageFile {
  const path = `/${name}-${version}.${arch}.rpm`
  return { path, name, epoch: 0, version, release: '1', arch, digest: path }
}

const pathsOf = (packages: readonly PackageFile[]): string[] => packages.map(({ path }) => path)

describe('pickPackages', () => {
  test('the first source that has a name wins, with an older version, too', () => {
    const built = { label: 'built', packages: [rpm('vdsm', '1')] }
    const synced = { label: 'synced', packages: [rpm('vdsm', '2'), rpm('other', '2')] }
    const { chosen, skipped } = pickPackages([built, synced], 'x86_64')
    expect(pathsOf(chosen)).toEqual(['/vdsm-1.noarch.rpm', '/other-2.noarch.rpm'])
    expect(skipped).toEqual([{ file: rpm('vdsm', '2'), reason: 'shadowed', by: 'built' }])
  })

  test('sources and foreign architectures are skipped, and take no name', () => {
    const first = { label: 'first', packages: [rpm('a', '9', 'ppc64le'), rpm('a', '9', 'src')] }
    const second = {
      label: 'second',
      packages: [rpm('a', '1', 'x86_64'), rpm('a', '1', 'i686'), rpm('a', '2', 'x86_64')],
    }
    const { chosen, skipped } = pickPackages([first, second], 'x86_64')
    expect(pathsOf(chosen)).toEqual(['/a-2.x86_64.rpm', '/a-1.i686.rpm'])
    expect(skipped.map(({ reason }) => reason)).toEqual(['foreign', 'source', 'older'])
    expect(pathsOf(pickPackages([first, second], 'ppc64le').chosen)).toEqual(['/a-9.ppc64le.rpm'])
  })

  test('a source may keep several versions, the same one once', () => {
    const packages = [rpm('a', '1'), rpm('a', '3'), { ...rpm('a', '3'), path: '/again' }, rpm('a', '2')]
    const { chosen } = pickPackages([{ label: 'l', packages, versions: 2 }], 'x86_64')
    expect(pathsOf(chosen)).toEqual(['/a-3.noarch.rpm', '/a-2.noarch.rpm'])
  })

  test('of versions that differ in their epoch alone, and so not in the name of a file, it is the newest', () => {
    const [old, young] = [rpm('a'), { ...rpm('a'), epoch: 1, path: '/young' }]
    const { chosen, skipped } = pickPackages([{ label: 'l', packages: [old, young], versions: 2 }], 'x86_64')
    expect(pathsOf(chosen)).toEqual(['/young'])
    expect(skipped).toEqual([{ file: old, reason: 'older' }])
  })

  test('holds its rules for whatever is in the sources', () => {
    const anyRpm = fc
      .tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(3), fc.constantFrom('noarch', 'x86_64', 'i686', 'src', 's390x'))
      .map(([name, version, arch]) => rpm(name, String(version), arch))
    fc.assert(
      fc.property(fc.array(fc.array(anyRpm, { maxLength: 6 }), { maxLength: 4 }), (dirs) => {
        const sources = dirs.map((packages, index) => ({ label: String(index), packages }))
        const { chosen, skipped } = pickPackages(sources, 'x86_64')
        expect(chosen.length + skipped.length).toBe(dirs.flat().length)
        const fits = ({ arch }: PackageFile): boolean => !['src', 's390x'].includes(arch)
        for (const name of ['a', 'b', 'c']) {
          const winner = dirs.find((packages) => packages.some((file) => file.name === name && fits(file))) ?? []
          const rivals = winner.filter((file) => file.name === name && fits(file))
          const mine = chosen.filter((file) => file.name === name)
          expect(mine.every((file) => rivals.includes(file))).toBe(true)
          expect(new Set(mine.map(({ arch }) => arch))).toEqual(new Set(rivals.map(({ arch }) => arch)))
          expect(mine).toHaveLength(new Set(mine.map(({ arch }) => arch)).size)
          for (const file of mine)
            for (const rival of rivals.filter(({ arch }) => arch === file.arch))
              expect(compareEvr(file, rival)).toBeGreaterThanOrEqual(0)
        }
      }),
    )
  })
})
