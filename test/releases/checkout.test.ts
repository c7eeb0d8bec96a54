/** `scripts/release` and the checkout of the project: where it is, what lies in it, and whether it is the right one. */
import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { makeGitProject, useSmallPackages, type GitProject } from '../helpers/git-project.js'
import { runRelease, type Run } from '../helpers/release-program.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

const packagesOf = useSmallPackages('2.0.1')

let dir = ''
let project: GitProject
beforeEach(async () => {
  dir = await makeTempDir()
  project = await makeGitProject(path.join(dir, 'project'))
})

async function snapshot(treeDir: string, ...args: readonly string[]): Promise<Run> {
  return runRelease(['snapshot', treeDir, '--pipeline', '7', '--packages', packagesOf('2.0.1'), ...args], {
    cwd: project.dir,
  })
}

async function promote(treeDir: string, ...args: readonly string[]): Promise<Run> {
  return runRelease(['promote', treeDir, ...args], { cwd: project.dir })
}

describe('what lies in the checkout', () => {
  const ignore = async (line: string): Promise<void> => {
    await writeFile(path.join(project.dir, '.gitignore'), `${line}\n`)
    project.git('add', '.')
    project.git('commit', '--quiet', '--amend', '--no-edit')
  }

  test('is no tree of releases, unless git ignores it', async () => {
    const inside = path.join(project.dir, 'a tree')
    expect(await snapshot('a tree')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(
        `the tree ${inside} lies in the checkout ${project.dir}, where git does not ignore it [LAGO_RELEASE_PROJECT]\n  hint: `,
      ),
    })
    expect(await readdir(project.dir)).not.toContain('a tree')
    await ignore('/a tree/')
    expect(await snapshot('a tree')).toMatchObject({ exitCode: 0 })
    expect(await promote('a tree')).toMatchObject({ exitCode: 0 })
  })

  test('is no tree of releases by a link either', async () => {
    await symlink(project.dir, path.join(dir, 'link'))
    expect((await snapshot(path.join(dir, 'link/tree'))).stderr).toContain(
      `the tree ${project.dir}/tree lies in the checkout ${project.dir}, `,
    )
    expect((await snapshot('.')).stderr).toContain(`the tree ${project.dir} lies in the checkout`)
    await symlink(dir, path.join(dir, 'outside'))
    await ignore('/out')
    await symlink(dir, path.join(project.dir, 'out'))
    expect(await snapshot('out/tree')).toMatchObject({ exitCode: 0 })
  })

  test('is promoted from only when git ignores it', async () => {
    await snapshot('../tree')
    await cp(path.join(dir, 'tree'), path.join(project.dir, 'tree'), { recursive: true, verbatimSymlinks: true })
    expect((await promote('tree')).stderr).toMatch(/lies in the checkout .* \[LAGO_RELEASE_PROJECT\]/)
    expect(await readdir(path.join(project.dir, 'tree'))).toEqual(['tree.json', 'unstable'])
  })

  test('is no directory of packages, unless git ignores it', async () => {
    const packages = path.join(project.dir, 'deep/out')
    await cp(packagesOf('2.0.1'), packages, { recursive: true })
    expect((await snapshot('../tree', '--packages', 'deep/out', '--project', '.')).stderr).toContain('more than once')
    const given = ['snapshot', '../tree', '--pipeline', '7', '--packages', 'deep/out']
    const refused = await runRelease(given, { cwd: project.dir })
    expect(refused.stderr).toMatch(
      /^the directory of packages .*\/deep\/out lies in the checkout .*\/project, where git/,
    )
    expect(refused.stderr).not.toContain('stash')
    expect(await readdir(dir)).toEqual(['project'])
    await ignore('out')
    expect(await runRelease(given, { cwd: project.dir })).toMatchObject({ exitCode: 0 })
  })

  test('and is not committed is not put aside by what the hint says', async () => {
    await writeFile(path.join(project.dir, 'new.txt'), '')
    const { stderr } = await snapshot('../tree')
    expect(stderr).toMatch(/has what is not committed: new\.txt \[LAGO_DIRTY_TREE\]\n {2}hint: commit it/)
    expect(stderr).not.toContain('--include-untracked')
  })
})

describe('a project that is none', () => {
  test('a directory in the checkout is told with the top of it', async () => {
    await mkdir(path.join(project.dir, 'docs'))
    const from = ['--pipeline', '7', '--packages', packagesOf('2.0.1'), '--project', path.join(project.dir, 'docs')]
    expect((await runRelease(['snapshot', path.join(dir, 'tree'), ...from])).stderr).toBe(
      `there is no ${project.dir}/docs/CHANGELOG.md [LAGO_NOTHING_TO_RELEASE]\n` +
        `  hint: the top of the checkout is ${project.dir}: name it by --project\n`,
    )
    expect(await readdir(dir)).toEqual(['project'])
  })

  test('a CHANGELOG.md without entries is told by its path', async () => {
    await writeFile(path.join(project.dir, 'CHANGELOG.md'), '# Changelog\n')
    project.git('commit', '--quiet', '-am', 'empty it')
    expect((await snapshot('../tree')).stderr).toContain(
      `${project.dir}/CHANGELOG.md has no section "## Unreleased" [LAGO_NOTHING_TO_RELEASE]\n  hint: write there`,
    )
  })

  test('a bare repository is told', async () => {
    project.git('clone', '--quiet', '--bare', project.dir, '../bare.git')
    const { exitCode, stderr } = await runRelease(
      ['snapshot', '../tree', '--pipeline', '7', '--packages', packagesOf('2.0.1'), '--project', '../bare.git'],
      { cwd: project.dir },
    )
    expect([exitCode, stderr]).toEqual([
      2,
      `${dir}/bare.git has no files checked out: it is a bare repository, or the directory of git itself [LAGO_RELEASE_PROJECT]\n` +
        `  hint: name a checkout by --project: git clone ${dir}/bare.git makes one\n`,
    ])
    expect(await readdir(dir)).toEqual(['bare.git', 'project'])
  })

  test('versions that no package can have are told before anything is made', async () => {
    project.git('tag', '99999999999999999999.1')
    expect((await snapshot('../tree')).stderr).toMatch(
      /^the version of \S+\/project is 99999999999999999999\.1\.0, which no package can have \[LAGO_BAD_VERSION\]\n {2}hint: /,
    )
    expect(await readdir(dir)).toEqual(['project'])
  })
})

describe('promotion', () => {
  let tree = ''
  beforeEach(async () => {
    tree = path.join(dir, 'tree')
    await snapshot(tree)
  })

  const contentOf = async (top: string): Promise<readonly string[]> => (await readdir(top, { recursive: true })).sort()

  test.each(['first', 'later'])(
    'refuses a project of other commits, and one without any, when it is the %s one',
    async (which) => {
      if (which === 'later') expect(await promote(tree)).toMatchObject({ exitCode: 0 })
      const [other, none] = [path.join(dir, 'other'), path.join(dir, 'none')]
      const inOther = (...args: readonly string[]): string => project.git('-C', other, ...args)
      await mkdir(other)
      await mkdir(none)
      const changelog = '## Unreleased\n\n### Added\n\n- area: something\n'
      for (const at of [other, none]) await writeFile(path.join(at, 'CHANGELOG.md'), changelog)
      inOther('init', '--quiet')
      inOther('add', '.')
      inOther('commit', '--quiet', '-m', 'of another project')
      const before = await contentOf(tree)
      const head = project.git('rev-parse', 'HEAD').trim()
      const refused = await runRelease(['promote', tree], { cwd: other })
      expect(refused).toMatchObject({ exitCode: 2, stdout: '' })
      expect(refused.stderr).toBe(
        `${other} does not have the commit ${head}, of which 2.0.1 is [LAGO_RELEASE_PROJECT]\n` +
          `  hint: name the checkout of that project by --project; if this is an old one: git -C ${other} fetch\n`,
      )
      expect(inOther('status', '--porcelain')).toBe('')
      const noRepository = await runRelease(['promote', tree], { cwd: none })
      expect(noRepository).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('[LAGO_NOT_A_REPOSITORY]') })
      expect(await readFile(path.join(none, 'CHANGELOG.md'), 'utf8')).toBe(changelog)
      expect(await contentOf(tree)).toEqual(before)
    },
  )

  test('by the name of latest, of the newest X.0 or of the one that is given', async () => {
    expect((await promote(tree, '--dry-run', 'latest')).stdout).toMatch(
      /^2\.0\.1 of snapshot-lago_2\.0_pipeline_7 is due/,
    )
    for (const given of ['unstable/2.0/latest', path.join(tree, 'unstable/2.0/latest/')])
      expect((await promote(tree, '--dry-run', given)).stdout).toMatch(/^2\.0\.1 of snapshot-lago_2\.0_pipeline_7 is/)
    expect((await promote(tree, '--dry-run', 'unstable/3.0/latest')).stderr).toContain(
      `there is no snapshot "unstable/3.0/latest" in ${tree} [LAGO_SNAPSHOT]`,
    )
  })

  test.each(['  ', 'two\nlines', 'a\ttab'])('takes no reason like %j', async (reason) => {
    const { exitCode, stderr } = await promote(tree, '--reason', reason)
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/^--reason takes a line of text.* \[LAGO_USAGE\]\n/)])
    expect(await readdir(tree)).toEqual(['tree.json', 'unstable'])
  })

  test('lists what is left to do: a tag only where one is missing, and what is to be pushed to where', async () => {
    const steps = async (): Promise<readonly string[]> =>
      (await promote(tree)).stdout
        .split('\n')
        .slice(1, -1)
        .map((line) => line.trim())
    const commit = `git -C ${project.dir} commit -m 'release: 2.0.1' CHANGELOG.md`
    const announce = expect.stringMatching(/^\/.*\/scripts\/release announce \/.*\/tree 2\.0\.1$/)
    expect(await steps()).toEqual([commit, announce])
    project.git('remote', 'add', 'upstream', 'https://lago.example.org/git')
    expect(await steps()).toEqual([commit, `git -C ${project.dir} push upstream main`, announce])
    project.git('commit', '--quiet', '-m', 'release: 2.0.1', 'CHANGELOG.md')
    expect(await steps()).toEqual([announce])
    project.commit('more\n\nSem-Ver: feature\n')
    expect(await steps()).toEqual([
      expect.stringMatching(/^\/.*\/scripts\/version_manager \/.*\/project tag$/),
      `git -C ${project.dir} push upstream 2.1`,
      announce,
    ])
    project.git('tag', '2.1', project.git('commit-tree', 'HEAD^{tree}', '-m', 'elsewhere').trim())
    const ended = await promote(tree)
    expect(ended.stderr).toMatch(/2\.1 would be the tag of [0-9a-f]+, and is the one of /)
    expect(ended.stdout.split('\n')).toEqual(['To do next:', expect.stringContaining(' announce '), ''])
  })

  test('lists programs as they can be called from where one stands', async () => {
    const lagoDir = process.cwd()
    const from = async (cwd: string): Promise<string> =>
      (await runRelease(['promote', tree, '--project', project.dir], { cwd })).stdout
    expect(await from(lagoDir)).toMatch(/^ {2}scripts\/release announce /m)
    expect(await from(path.join(lagoDir, 'scripts'))).toMatch(/^ {2}\.\/release announce /m)
    expect((await runRelease(['promot', tree])).stderr).toContain(`hint: ${lagoDir}/scripts/release --help\n`)
    expect((await runRelease(['promote', path.join(dir, 'nowhere')])).stderr).toContain(
      `hint: name the directory of a tree; \`${lagoDir}/scripts/release snapshot\` makes one`,
    )
  })
})
