import { copyFile, mkdir, readdir, readFile, readlink, rename, stat, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { LagoError } from '../../../src/base/errors.js'
import { runCommand } from '../../../src/base/process.js'
import { mergeRepository, type MergedRepository } from '../../../src/rpm/merge.js'
import { readPackages } from '../../../src/rpm/read-packages.js'
import { recordedTask, type RecordedTask } from '../../helpers/recorded-task.js'
import { buildRpm } from '../../helpers/rpms.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

let top = ''
let repository = ''

beforeEach(async () => {
  top = await makeTempDir()
  repository = path.join(top, 'default', 'el7')
})

async function merge(paths: readonly string[], recorded: RecordedTask = recordedTask()): Promise<MergedRepository> {
  const { packages } = await readPackages(recordedTask().task, paths)
  const sources = [{ label: 'some', packages }]
  return mergeRepository(recorded.task, { dir: repository, sources, arch: 'x86_64' })
}

const besides = async (): Promise<string[]> => (await readdir(path.dirname(repository))).sort()
const listed = async (): Promise<string[]> => (await readdir(repository)).filter((name) => name.endsWith('.rpm')).sort()

/** What dnf finds in it. */
async function offered(): Promise<string[]> {
  const options = ['--installroot', path.join(top, 'root'), '--releasever', '7', '--repofrompath', `r,${repository}`]
  const query = ['repoquery', '--repo', 'r', '--quiet', '--nogpgcheck', '--setopt', `cachedir=${top}/cache`]
  const { stdout } = await runCommand(recordedTask().task, ['dnf', ...options, ...query])
  return stdout.trim().split('\n').filter(Boolean).sort()
}

describe('mergeRepository', () => {
  test('makes a repository of hard links that dnf reads', async () => {
    const a = await buildRpm(path.join(top, 'in'), { name: 'a', version: '2' })
    const odd = path.join(top, 'in', 'any name.rpm')
    await rename(await buildRpm(path.join(top, 'in'), { name: 'b', arch: 'i686' }), odd)
    const foreign = await buildRpm(path.join(top, 'in'), { name: 'b', arch: 's390x' })
    const recorded = recordedTask()
    expect(await merge([a, odd, foreign], recorded)).toEqual({ changed: true, packages: 2 })
    expect(await listed()).toEqual(['a-2-1.noarch.rpm', 'b-1-1.i686.rpm'])
    expect((await stat(path.join(repository, 'b-1-1.i686.rpm'))).ino).toBe((await stat(odd)).ino)
    expect(await offered()).toEqual(['a-0:2-1.noarch', 'b-0:1-1.i686'])
    expect(recorded.messages('info')).toEqual([
      'el7: 1 package of foreign architectures left out (s390x)',
      'el7: 2 packages',
    ])
    expect((await readdir(path.join(repository, 'repodata'))).some((name) => name.endsWith('primary.xml.gz'))).toBe(
      true,
    )
  })

  test('does nothing when nothing has changed, and says so', async () => {
    const a = await buildRpm(path.join(top, 'in'), { name: 'a' })
    await merge([a])
    const before = await stat(path.join(repository, 'repodata', 'repomd.xml'))
    const recorded = recordedTask()
    expect(await merge([a], recorded)).toEqual({ changed: false, packages: 1 })
    expect(recorded.messages('info')).toEqual(['el7: nothing has changed (1 package)'])
    expect((await stat(path.join(repository, 'repodata', 'repomd.xml'))).ino).toBe(before.ino)
  })

  test('takes what changed, and what is not wanted any more is gone', async () => {
    const a = await buildRpm(path.join(top, 'in'), { name: 'a' })
    const b = await buildRpm(path.join(top, 'in'), { name: 'b' })
    await merge([a, b])
    const newer = await buildRpm(path.join(top, 'in'), { name: 'a', version: '2' })
    expect(await merge([a, newer])).toMatchObject({ changed: true, packages: 1 })
    expect(await listed()).toEqual(['a-2-1.noarch.rpm'])
    expect(await offered()).toEqual(['a-0:2-1.noarch'])
    expect(await besides()).toEqual(['.el7-1', '.el7-2', 'el7'])
    expect((await merge([newer])).changed).toBe(false)
    expect(await besides()).toEqual(['.el7-2', 'el7'])
  })

  test('a package that was built anew under the same name is another one', async () => {
    const file = await buildRpm(path.join(top, 'in'), { name: 'a', files: { '/a': 'one' } })
    await merge([file])
    await copyFile(await buildRpm(path.join(top, 'new'), { name: 'a', files: { '/a': 'two' } }), file)
    expect(await merge([file])).toMatchObject({ changed: true })
    expect((await merge([file])).changed).toBe(false)
  })

  test('whoever reads meanwhile finds a whole repository each time', async () => {
    const files: string[] = []
    for (const name of ['a', 'b', 'c']) files.push(await buildRpm(path.join(top, 'in'), { name }))
    await merge(files.slice(0, 1))
    let isMerging = true
    const reading = (async () => {
      let reads = 0
      for (; isMerging; reads++)
        expect(await readFile(path.join(repository, 'repodata', 'repomd.xml'), 'utf8')).toMatch(/<\/repomd>\s*$/)
      return reads
    })()
    await merge(files.slice(0, 2))
    await merge(files)
    isMerging = false
    expect(await reading).toBeGreaterThan(2)
  })

  test('whoever was on the way into the repository before is served to the end', async () => {
    const a = await buildRpm(path.join(top, 'in'), { name: 'a' })
    await merge([a])
    const onTheWay = path.resolve(path.dirname(repository), await readlink(repository), 'repodata', 'repomd.xml')
    await merge([a, await buildRpm(path.join(top, 'in'), { name: 'b' })])
    expect(await readFile(onTheWay, 'utf8')).toContain('<repomd')
    await merge([a])
    await expect(readFile(onTheWay)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('one that somebody has damaged is made anew', async () => {
    const a = await buildRpm(path.join(top, 'in'), { name: 'a' })
    await merge([a])
    await rename(path.join(repository, 'repodata'), path.join(top, 'away'))
    expect(await merge([a])).toMatchObject({ changed: true })
    expect(await offered()).toEqual(['a-0:1-1.noarch'])
  })

  test('when it fails, or is aborted, the old repository stays and nothing else', async () => {
    const a = await buildRpm(path.join(top, 'in'), { name: 'a' })
    await merge([a])
    const { packages } = await readPackages(recordedTask().task, [a])
    const [first] = packages
    if (first === undefined) throw new Error('unreachable: it was read')
    const gone = { ...first, name: 'gone', path: path.join(top, 'gone.rpm') }
    const failing = mergeRepository(recordedTask().task, {
      dir: repository,
      sources: [{ label: 'some', packages: [first, gone] }],
      arch: 'x86_64',
    })
    await expect(failing).rejects.toMatchObject({ code: 'ENOENT' })
    const evil = { ...first, name: '../evil' }
    const refused = mergeRepository(recordedTask().task, {
      dir: repository,
      sources: [{ label: 'some', packages: [evil] }],
      arch: 'x86_64',
    })
    await expect(refused).rejects.toMatchObject({ code: 'LAGO_RPM_BROKEN' })
    const aborted = recordedTask()
    const merging = merge([a, await buildRpm(path.join(top, 'in'), { name: 'b' })], aborted)
    void aborted.message(/^run: createrepo_c/).then(() => aborted.abort(new LagoError('LAGO_CANCELLED', 'cancelled')))
    await expect(merging).rejects.toMatchObject({ code: 'LAGO_CANCELLED' })
    expect(await besides()).toEqual(['.el7-1', 'el7'])
    expect(await listed()).toEqual(['a-1-1.noarch.rpm'])
  })

  test('what a killed run has left is removed, and no more', async () => {
    const a = await buildRpm(path.join(top, 'in'), { name: 'a' })
    await merge([a])
    for (const name of ['.el7-2', '.el7-x', '.el71-2']) await mkdir(path.join(top, 'default', name))
    await symlink('.el7-2', path.join(top, 'default', '.el7-2.link'))
    expect((await merge([a])).changed).toBe(false)
    expect(await besides()).toEqual(['.el7-1', '.el7-x', '.el71-2', 'el7'])
  })

  test("a directory of the Python program's is replaced", async () => {
    await mkdir(path.join(repository, 'repodata'), { recursive: true })
    await writeFile(path.join(repository, 'old.rpm'), '')
    await merge([await buildRpm(path.join(top, 'in'), { name: 'a' })])
    expect(await readlink(repository)).toBe('.el7-1')
    expect(await besides()).toEqual(['.el7-0', '.el7-1', 'el7'])
    expect(await listed()).toEqual(['a-1-1.noarch.rpm'])
  })

  test('a repository of nothing is one, too', async () => {
    expect(await merge([])).toEqual({ changed: true, packages: 0 })
    expect(await readFile(path.join(repository, 'repodata', 'repomd.xml'), 'utf8')).toContain('<repomd')
  })
})
