/** `scripts/version_manager` as a maintainer calls it, on repositories of every kind. */
import { execFile } from 'node:child_process'
import { chmod, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'
import { GIT_ENV, gitIn, makeLinearRepository, makeRepository, writeRef } from '../helpers/made-repository.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const SCRIPT = fileURLToPath(new URL('../../../scripts/version_manager', import.meta.url))
/** What the script starts, once it has seen that all is built. */
const PROGRAM = fileURLToPath(new URL('../../scripts/versioning/version-manager.js', import.meta.url))
const MISSING = '0123456789012345678901234567890123456789'
const BREAKING = 'Change all\n\nSem-Ver: api-breaking\n'
const FEATURE = 'Add more\n\nBug-Url: https://bugzilla.redhat.com/7\nSem-Ver: feature\n'

interface Ended {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

async function run(argv: readonly [string, ...string[]], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const [program, ...args] = argv
  const options = { env: { ...GIT_ENV, TZ: 'UTC', ...env }, cwd: '/', maxBuffer: 1 << 28 }
  return new Promise((resolve) => {
    execFile(program, args, options, (error, stdout, stderr) =>
      resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr }),
    )
  })
}

async function versionManager(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return run([process.execPath, PROGRAM, ...args], env)
}

async function linear(...messages: readonly string[]): Promise<{ dir: string; hashes: string[] }> {
  const dir = path.join(await makeTempDir(), 'repository')
  return { dir, hashes: await makeLinearRepository(dir, messages) }
}

test('both names of the program work, by the shell and by Python, from anywhere', async () => {
  const { dir } = await linear('One\n', 'Two\n')
  const expected = { exitCode: 0, stdout: '0.0.2\n', stderr: '' }
  expect(await run([SCRIPT, dir, 'version'])).toEqual(expected)
  expect(await run([`${SCRIPT}.py`, dir, 'version'])).toEqual(expected)
  expect(await run(['python3', `${SCRIPT}.py`, dir, 'version'])).toEqual(expected)
})

test('a changelog is what rpm wants, with the date of this zone', async () => {
  const { dir, hashes } = await linear('One\n', FEATURE)
  const short = hashes.map((hash) => hash.slice(0, 8))
  expect((await versionManager([dir, 'changelog'], { TZ: 'Asia/Tokyo', LC_ALL: 'de_DE.UTF-8' })).stdout).toBe(
    '* Thu Dec 03 2015 Jane Doe <jane@example.com> - 0.1.0\n' +
      `    ${short[1]}: Add more\n` +
      '    FIXED BUGS: BZ#7\n' +
      '\n' +
      '* Thu Dec 03 2015 Jane Doe <jane@example.com> - 0.0.1\n' +
      `    ${short[0]}: One\n`,
  )
  expect((await versionManager([dir, 'changelog'], { TZ: 'America/New_York' })).stdout).toContain('* Wed Dec 02 2015 ')
})

test('changelogs come as Markdown and as JSON, too', async () => {
  const { dir, hashes } = await linear('One *more*\n', FEATURE)
  expect((await versionManager([dir, 'changelog', '--format', 'markdown'])).stdout).toBe(
    `## 0.1.0 - 2015-12-03\n\n- Add more (${hashes[1]?.slice(0, 8)}): fixes BZ#7\n\n` +
      `## 0.0.1 - 2015-12-03\n\n- One \\*more\\* (${hashes[0]?.slice(0, 8)})\n`,
  )
  const author = { name: 'Jane Doe', email: 'jane@example.com' }
  expect(JSON.parse((await versionManager([dir, 'changelog', '--format', 'json'])).stdout)).toEqual([
    {
      version: '0.1.0',
      kind: 'feature',
      commit: hashes[1],
      subject: 'Add more',
      author,
      committedAt: '2015-12-03T01:00:00.000Z',
      bugs: ['7'],
      merged: [],
    },
    {
      version: '0.0.1',
      kind: 'patch',
      commit: hashes[0],
      subject: 'One *more*',
      author,
      committedAt: '2015-12-03T00:00:00.000Z',
      bugs: [],
      merged: [],
    },
  ])
})

test('--from-commit takes hashes and names; one that names nothing prints nothing, and says so', async () => {
  const { dir, hashes } = await linear('One\n', 'Two\n', 'Three\n')
  await gitIn(dir, ['tag', '--annotate', '--message=t', '1.0', hashes[1] ?? ''])
  for (const name of ['1.0', 'tags/1.0', 'refs/tags/1.0', hashes[1] ?? '', (hashes[1] ?? '').slice(0, 9)]) {
    const { stdout } = await versionManager([dir, 'changelog', '--from-commit', name])
    expect(stdout.match(/- [0-9.]+$/gm)).toEqual(['- 1.0.1', '- 1.0.0'])
  }
  expect((await versionManager([dir, 'changelog', '--from-commit', 'HEAD'])).stdout).toMatch(/- 1\.0\.1\n.*Three\n$/)
  const none = await versionManager([dir, 'changelog', '--from-commit', '0.7'])
  expect(none).toMatchObject({ exitCode: 0, stdout: '' })
  expect(none.stderr).toContain('"0.7" names no commit that counts')
  expect(await versionManager([dir, 'changelog', '--from-commit', ''])).toMatchObject({ exitCode: 2, stdout: '' })
})

test('a terminal is not told to do what a commit wants; a file has it as it is', async () => {
  const { dir } = await linear('Show \x1b]0;title\x07\x1b[2Jthis\n')
  const command = `${process.execPath} ${PROGRAM} ${dir} changelog`
  const shown = await run(['script', '--quiet', '--return', '--command', command, '/dev/null'], { TERM: 'xterm' })
  expect(shown.stdout).toMatch(/: Show this\r\n$/)
  expect((await versionManager([dir, 'changelog'])).stdout).toContain('Show \x1b]0;title\x07\x1b[2Jthis\n')
})

test.each([
  ['9999999999999', 'Sat Sep 13 275760', '+275760-09-13'], // the last day that JavaScript knows
  ['253402300800', 'Sat Jan 01 10000', '+010000-01-01'],
])('a commit of the second %s has a date', async (seconds, rpmDay, isoDay) => {
  const { dir } = await linear('One\n')
  const tree = await gitIn(dir, ['rev-parse', 'HEAD^{tree}'])
  const raw = `tree ${tree}\nauthor J <j@x> 5 +0000\ncommitter J <j@x> ${seconds} +0000\n\nx\n`
  await gitIn(dir, ['update-ref', 'HEAD', await gitIn(dir, ['hash-object', '-t', 'commit', '-w', '--stdin'], raw)])
  expect((await versionManager([dir, 'changelog'])).stdout).toContain(`* ${rpmDay} J <j@x> - 0.0.1\n`)
  expect((await versionManager([dir, 'changelog', '--format', 'markdown'])).stdout).toContain(`## 0.0.1 - ${isoDay}\n`)
  expect((await versionManager([dir, 'changelog', '--format', 'json'])).stdout).toContain(`"${isoDay}T00:00:00.000Z"`)
})

test('no line of a Markdown changelog begins within a subject', async () => {
  const { dir, hashes } = await linear('One\r# Two\x0b\u2028- three\r\n\r\n* NEW: four\r## Five\r\n')
  const short = hashes[0]?.slice(0, 8)
  expect((await versionManager([dir, 'changelog', '--format', 'markdown'])).stdout).toBe(
    `## 0.0.1 - 2015-12-03\n\n- One # Two - three (${short})\n`,
  )
  expect((await versionManager([dir, 'releasenotes'])).stdout).toContain(`\n- four ## Five (${short})\n`)
  const [entry] = JSON.parse((await versionManager([dir, 'changelog', '--format', 'json'])).stdout) as [object]
  expect(entry).toMatchObject({ subject: 'One\r# Two\x0b\u2028- three' })
})

test('release notes say what matters to those who upgrade, for each X.Y', async () => {
  const { dir, hashes } = await linear(
    'Begin\n',
    'Say it\n\n* NEW: say it twice\n* DEPRECATED: saying it once\nFixes: #3, #4\n',
    BREAKING,
    'Mend\n\nadresses #5\nBug-Url: https://bugzilla.redhat.com/6\n',
    'Old ways\n\n* INCOMPATIBLE\n',
  )
  const [, b, c, d, e] = hashes.map((hash) => hash.slice(0, 8))
  expect((await versionManager([dir, 'releasenotes'])).stdout).toBe(
    `## 1.0.2 (since 1.0.0)\n\n### Incompatible changes\n\n- Old ways (${e})\n- Change all (${c})\n` +
      `\n### Bugs fixed\n\n- BZ#6, #5: Mend (${d})\n\n` +
      `## 0.0.2 (since 0.0.1)\n\n### New features\n\n- say it twice (${b})\n` +
      `\n### Deprecations\n\n- saying it once (${b})\n\n### Bugs fixed\n\n- #3, #4: Say it (${b})\n`,
  )
  await gitIn(dir, ['tag', '2.0', hashes[4] ?? ''])
  expect((await versionManager([dir, 'releasenotes', '--from-commit', '2.0'])).stdout).toBe(
    `## 2.0.0\n\n### Incompatible changes\n\n- Old ways (${e})\n`,
  )
})

test('authors are sorted, once each, by the name that .mailmap gives them', async () => {
  const dir = path.join(await makeTempDir(), 'repository')
  const by = (author: string, index: number): Parameters<typeof makeRepository>[1][number] => ({
    parents: index === 0 ? [] : [index - 1],
    message: Buffer.from('x\n'),
    author: Buffer.from(author, 'latin1'),
    committedAtSeconds: index,
  })
  await makeRepository(dir, ['Zo\xeb <z@x>', 'Al <al@x>', 'Alan <old@x>', 'Al <al@x>'].map(by))
  await writeFile(path.join(dir, '.mailmap'), 'Al <al@x> <old@x>\n')
  expect((await versionManager([dir, 'authors'])).stdout).toBe('Al <al@x>\nZoë <z@x>\n')
})

test('a commit of nobody has no author', async () => {
  const { dir } = await linear('One\n')
  const tree = await gitIn(dir, ['rev-parse', 'HEAD^{tree}'])
  const raw = `tree ${tree}\nparent ${await gitIn(dir, ['rev-parse', 'HEAD'])}\nauthor\ncommitter\n\nx\n`
  const head = await gitIn(dir, ['hash-object', '--literally', '-t', 'commit', '-w', '--stdin'], raw)
  await gitIn(dir, ['update-ref', 'HEAD', head])
  expect((await versionManager([dir, 'authors'])).stdout).toMatch(/^[^%\n]+ <\S+>\n$/)
})

describe('tag', () => {
  test('that a hook refuses is told with what the hook says', async () => {
    const { dir } = await linear('One\n', BREAKING)
    const hook = path.join(dir, '.git/hooks/reference-transaction')
    await mkdir(path.dirname(hook), { recursive: true })
    await writeFile(hook, '#!/bin/sh\necho "no tags on Fridays" >&2\nexit 1\n', { mode: 0o755 })
    const { exitCode, stderr } = await versionManager([dir, 'tag'])
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/aborted by hook: no tags on Fridays \[/)])
  })

  test.each([
    [[] as string[], 'commit'],
    [['--annotate'], 'tag'],
  ])('makes the tags that are missing, and changes no version: %j', async (options, type) => {
    const { dir, hashes } = await linear('One\n', FEATURE, 'Two\n', BREAKING, 'Three\n')
    const before = await versionManager([dir, 'changelog'])
    const lines = `0.1 ${hashes[1]}\n1.0 ${hashes[3]}\n`
    expect(await versionManager([dir, 'tag', '--dry-run', ...options])).toEqual({
      exitCode: 0,
      stdout: lines,
      stderr: '',
    })
    expect(await gitIn(dir, ['tag'])).toBe('')
    expect(await versionManager([dir, 'tag', ...options])).toEqual({ exitCode: 0, stdout: lines, stderr: '' })
    expect(await gitIn(dir, ['rev-parse', '0.1^{commit}', '1.0^{commit}'])).toBe(`${hashes[1]}\n${hashes[3]}`)
    expect(await gitIn(dir, ['cat-file', '-t', '1.0'])).toBe(type)
    expect(await versionManager([dir, 'changelog'])).toEqual(before)
    expect(await versionManager([dir, 'tag', ...options])).toEqual({ exitCode: 0, stdout: '', stderr: '' })
  })

  test('moves none, and then makes none', async () => {
    const { dir } = await linear('One\n', FEATURE, 'Two\n', BREAKING, 'Three\n')
    await gitIn(dir, ['checkout', '--quiet', '--orphan', 'other'])
    await gitIn(dir, ['commit', '--quiet', '--allow-empty', '--message=x'])
    await gitIn(dir, ['tag', '1.0'])
    await gitIn(dir, ['symbolic-ref', 'HEAD', 'refs/heads/c4'])
    const { exitCode, stderr } = await versionManager([dir, 'tag'])
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/^1\.0 would be the tag of .*\[LAGO_TAG_ELSEWHERE\]/)])
    expect(await gitIn(dir, ['tag'])).toBe('1.0')
  })
})

describe('tags that cannot be made', () => {
  test('are told with what to do when git does not know by whom they are', async () => {
    const { dir } = await linear('One\n', BREAKING)
    await gitIn(dir, ['config', 'user.useConfigOnly', 'true'])
    const nobody = { GIT_COMMITTER_NAME: undefined, GIT_COMMITTER_EMAIL: undefined, EMAIL: undefined }
    const { exitCode, stderr } = await versionManager([dir, 'tag', '--annotate'], nobody)
    expect([exitCode, stderr]).toEqual([
      2,
      expect.stringMatching(/^annotated tags .*\[LAGO_NO_GIT_USER\]\n {2}hint: .*\n$/),
    ])
    const [, command = ''] = /hint: (.*)/.exec(stderr) ?? []
    expect(await run(['bash', '-c', command])).toMatchObject({ exitCode: 0 })
    expect(await versionManager([dir, 'tag', '--annotate'], nobody)).toMatchObject({ exitCode: 0 })
  })

  test('are told with the file that is in the way', async () => {
    const { dir } = await linear('One\n', BREAKING)
    await writeRef(dir, 'refs/tags/1.0.lock', '')
    const { exitCode, stderr } = await versionManager([dir, 'tag'])
    expect([exitCode, stderr]).toEqual([
      2,
      expect.stringMatching(/^git update-ref .*: .*\/refs\/tags\/1\.0\.lock.*\[LAGO_COMMAND_FAILED\]\n {2}hint: .*\n$/),
    ])
    expect(await gitIn(dir, ['tag'])).toBe('')
  })
})

describe('what git repositories look like', () => {
  const cases: readonly (readonly [string, (dir: string, hashes: readonly string[]) => Promise<string>])[] = [
    [
      'a directory in the work tree',
      async (dir) => mkdir(path.join(dir, 'a/b'), { recursive: true }).then(() => path.join(dir, 'a/b')),
    ],
    ['a link to it', async (dir) => symlink(dir, `${dir}-link`).then(() => `${dir}-link`)],
    [
      'a bare clone',
      async (dir) => gitIn(dir, ['clone', '--quiet', '--bare', '.', '../bare']).then(() => `${dir}/../bare`),
    ],
    [
      'another work tree',
      async (dir) => gitIn(dir, ['worktree', 'add', '-q', '../other']).then(() => `${dir}/../other`),
    ],
    ['a detached HEAD', async (dir) => gitIn(dir, ['checkout', '--quiet', '--detach', 'HEAD']).then(() => dir)],
    ['packed refs', async (dir) => gitIn(dir, ['pack-refs', '--all']).then(() => dir)],
    [
      'signatures and odd formats in the configuration',
      async (dir) => {
        for (const [key, value] of [
          ['log.showSignature', 'true'],
          ['format.pretty', 'oneline'],
          ['i18n.logOutputEncoding', 'UTF-16'],
          ['color.ui', 'always'],
        ] as const)
          await gitIn(dir, ['config', key, value])
        return dir
      },
    ],
    [
      'replaced commits',
      async (dir, hashes) => gitIn(dir, ['replace', hashes[2] ?? '', hashes[0] ?? '']).then(() => dir),
    ],
    [
      'grafts',
      async (dir, hashes) => {
        await mkdir(path.join(dir, '.git/info'), { recursive: true })
        await writeFile(path.join(dir, '.git/info/grafts'), `${hashes[2]}\n`)
        return dir
      },
    ],
  ]
  test.each(cases)('%s', async (_name, change) => {
    const { dir, hashes } = await linear('One\n', BREAKING, 'Two\n', 'Three\n')
    expect(await versionManager([await change(dir, hashes), 'version'])).toEqual({
      exitCode: 0,
      stdout: '1.0.2\n',
      stderr: '',
    })
  })

  test('what a hook has in its environment does not count', async () => {
    const { dir } = await linear('Its own\n', BREAKING)
    const other = await linear('One\n', 'Two\n')
    const objects = path.join(other.dir, '.git/objects')
    const env = {
      GIT_DIR: path.join(other.dir, '.git'),
      GIT_WORK_TREE: other.dir,
      GIT_INDEX_FILE: '/nowhere',
      GIT_OBJECT_DIRECTORY: objects,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: objects,
      GIT_QUARANTINE_PATH: objects,
      GIT_SHALLOW_FILE: '/nowhere',
    }
    expect(await versionManager([dir, 'version'], env)).toMatchObject({ stdout: '1.0.0\n' })
    expect(await versionManager([dir, 'tag'], env)).toMatchObject({ exitCode: 0 })
    expect(await gitIn(dir, ['tag'])).toBe('1.0')
  })

  test('tags of tags count, the highest of two on one commit, and those that lead nowhere are told', async () => {
    const { dir, hashes } = await linear('One\n', 'Two\n')
    await gitIn(dir, ['tag', '--annotate', '--message=t', 'inner', hashes[0] ?? ''])
    await gitIn(dir, ['tag', '--annotate', '--message=t', '0.10', 'inner'])
    await gitIn(dir, ['tag', '0.9', hashes[0] ?? ''])
    await gitIn(dir, ['tag', '7.0', `${hashes[1]}^{tree}`])
    await writeRef(dir, 'refs/tags/8.0', MISSING)
    await writeRef(dir, 'refs/tags/9.0', 'garbage')
    await writeRef(dir, 'refs/heads/gone', MISSING)
    const { exitCode, stdout, stderr } = await versionManager([dir, 'version'])
    expect([exitCode, stdout]).toEqual([0, '0.10.1\n'])
    expect(stderr).toMatch(/refs\/tags\/7\.0 leads to no commit/)
    expect(stderr).toMatch(/refs\/tags\/8\.0 leads to no commit/)
    expect(stderr).toMatch(/refs\/tags\/9\.0/)
    expect(stderr).not.toMatch(/gone/)
  })

  test('texts in any encoding, of any length, with anything in them', async () => {
    const dir = path.join(await makeTempDir(), 'repository')
    const author = Buffer.from('Jane Doe <jane@example.com>')
    const messages = [
      Buffer.from('caf\xe9\n', 'latin1'),
      Buffer.from('café \x1b[31m\n'),
      Buffer.concat([Buffer.from('huge\n\n'), Buffer.alloc(50_000_000, 'x '), Buffer.from('\nSem-Ver: feature\n')]),
    ]
    const commits = messages.map((message, index) => ({
      parents: index === 0 ? [] : [index - 1],
      message,
      author,
      committedAtSeconds: index,
    }))
    const hashes = await makeRepository(dir, commits)
    const tree = await gitIn(dir, ['rev-parse', 'HEAD^{tree}'])
    const raw = Buffer.from(
      `tree ${tree}\nparent ${hashes[2]}\nauthor J <j@x> 5 +0000\ncommitter J <j@x> 5 +0000\nencoding ISO-8859-15\n\n\xa4\n`,
      'latin1',
    )
    const head = await gitIn(dir, ['hash-object', '-t', 'commit', '-w', '--stdin'], raw)
    await gitIn(dir, ['update-ref', 'HEAD', head])
    const { stdout } = await versionManager([dir, 'changelog'])
    const texts = ['€', 'huge', 'café \x1b[31m', 'café']
    expect(stdout.match(/(?<=: ).*$/gm)).toEqual(texts)
    expect(stdout.match(/- [0-9.]+$/gm)).toEqual(['- 0.1.1', '- 0.1.0', '- 0.0.2', '- 0.0.1'])
  })
})

describe('what cannot be counted', () => {
  test.each<[string, (dir: string) => Promise<string>, RegExp]>([
    ['no repository', async () => makeTempDir(), /is not a git repository.*\[LAGO_NOT_A_REPOSITORY\]\n {2}hint: /],
    ['nothing', async (dir) => path.join(dir, 'none'), /none'.*\[LAGO_NOT_A_REPOSITORY\]/],
    ['a file', async (dir) => path.join(dir, '.git/HEAD'), /\[LAGO_NOT_A_REPOSITORY\]/],
    [
      'an empty repository',
      async (dir) => gitIn(dir, ['init', '--quiet', '../empty']).then(() => path.resolve(dir, '../empty')),
      /empty leads to no commit \[LAGO_EMPTY_REPOSITORY\]\n {2}hint: /,
    ],
    [
      'a HEAD that leads to nothing',
      async (dir) => writeFile(path.join(dir, '.git/HEAD'), `${MISSING}\n`).then(() => dir),
      /git cannot read \S+, to which HEAD of .* leads \[LAGO_COMMAND_FAILED\]\n {2}hint: git -C \S+ fsck/,
    ],
    [
      'a commit that is damaged',
      async (dir) => {
        const head = await gitIn(dir, ['rev-parse', 'HEAD'])
        const object = path.join(dir, '.git/objects', head.slice(0, 2), head.slice(2))
        await rm(object)
        return writeFile(object, 'x').then(() => dir)
      },
      /git cannot read \S+, to which HEAD of .* leads \[LAGO_COMMAND_FAILED\]\n {2}hint: git -C \S+ fsck/,
    ],
    [
      'a list of refs that is damaged',
      async (dir) => {
        await gitIn(dir, ['pack-refs', '--all'])
        await writeFile(path.join(dir, '.git/packed-refs'), 'no line of it\n')
        return dir
      },
      /packed-refs: no line of it \[LAGO_COMMAND_FAILED\]/,
    ],
    ['an address', async () => 'https://example.org/x', /is an address.*\[LAGO_USAGE\]\n {2}hint: git clone it/],
    [
      'a shallow clone',
      async (dir) =>
        gitIn(dir, ['clone', '--quiet', '--depth=1', `file://${dir}`, '../shallow']).then(() =>
          path.resolve(dir, '../shallow'),
        ),
      /\[LAGO_SHALLOW_CLONE\]\n {2}hint: git -C \S+shallow fetch --unshallow --tags\n/,
    ],
  ])('%s', async (_name, make, expected) => {
    const { dir } = await linear('One\n', 'Two\n')
    const { exitCode, stdout, stderr } = await versionManager([await make(dir), 'version'])
    expect([exitCode, stdout, stderr]).toEqual([2, '', expect.stringMatching(expected)])
  })

  test('a clone is mended by the command that the hint gives', async () => {
    const { dir } = await linear('One\n', 'Two\n')
    const shallow = `${dir}-shallow in Jane's $HOME`
    await gitIn(dir, ['clone', '--quiet', '--depth=1', `file://${dir}`, shallow])
    const { stderr } = await versionManager([shallow, 'version'])
    const [, command = ''] = /hint: (git .*)/.exec(stderr) ?? []
    expect(await run(['bash', '-c', command])).toMatchObject({ exitCode: 0 })
    expect((await versionManager([shallow, 'version'])).stdout).toBe('0.0.2\n')
  })

  test('a bare repository, for a git that takes none', async () => {
    const { dir } = await linear('One\n')
    await gitIn(dir, ['clone', '--quiet', '--bare', '.', '../bare.git'])
    const config = await makeTempDir()
    await writeFile(path.join(config, 'git'), '[safe]\nbareRepository = explicit\n')
    const env = { GIT_CONFIG_GLOBAL: path.join(config, 'git') }
    const { exitCode, stderr } = await versionManager([`${dir}/../bare.git`, 'version'], env)
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/hint: your git takes no bare repositories/)])
  })

  test('a history with a hole in it', async () => {
    const { dir, hashes } = await linear('One\n', 'Two\n', 'Three\n')
    const tree = await gitIn(dir, ['rev-parse', 'HEAD^{tree}'])
    const person = 'J <j@x> 5 +0000'
    const raw = `tree ${tree}\nparent ${MISSING}\nauthor ${person}\ncommitter ${person}\n\nx\n`
    const orphan = await gitIn(dir, ['hash-object', '-t', 'commit', '-w', '--stdin'], raw)
    await gitIn(dir, ['update-ref', 'HEAD', orphan])
    const { exitCode, stdout, stderr } = await versionManager([dir, 'version'])
    expect([exitCode, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(
      /git log in .* ended with exit code 128: .*\[LAGO_COMMAND_FAILED\]\n {2}hint: git -C .* fsck/,
    )
    expect(hashes).toHaveLength(3)
  })

  test('the repository of somebody else', async () => {
    const { dir } = await linear('One\n')
    const env = { GIT_TEST_ASSUME_DIFFERENT_OWNER: '1' } // git's own means to test this
    const { exitCode, stderr } = await versionManager([dir, 'version'], env)
    expect(exitCode).toBe(2)
    expect(stderr).toMatch(/belongs to somebody else \[LAGO_UNSAFE_REPOSITORY\]/)
    expect(stderr).toContain(`hint: if you trust them: git config --global --add safe.directory ${dir}`)
  })

  test('a directory that git may not enter', async () => {
    const bin = await makeTempDir() // root may enter every one, so a stand-in says what git says
    const said = "fatal: cannot change to '/srv/x': Permission denied"
    await writeFile(path.join(bin, 'git'), `#!/bin/sh\necho "${said}" >&2\nexit 128\n`, { mode: 0o755 })
    const env = { PATH: `${bin}:${process.env['PATH']}` }
    const { exitCode, stderr } = await versionManager(['/srv/x', 'version'], env)
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/Permission denied \[LAGO_PERMISSION\]\n {2}hint: /)])
  })

  test('a host without git', async () => {
    const { dir } = await linear('One\n')
    const bin = await makeTempDir()
    for (const name of ['bash', 'dirname', 'readlink', 'find', 'basename', 'cat'])
      await symlink((await run(['which', name])).stdout.trim(), path.join(bin, name))
    await symlink(process.execPath, path.join(bin, 'node'))
    const { exitCode, stderr } = await run([path.join(bin, 'bash'), SCRIPT, dir, 'version'], { PATH: bin })
    expect([exitCode, stderr]).toEqual([
      2,
      expect.stringMatching(/"git" is not on this host \[LAGO_COMMAND_MISSING\]\n {2}hint: install/),
    ])
  })

  test('a full disk is told, and a reader that goes away is no error', async () => {
    const { dir } = await linear(...Array.from({ length: 1500 }, () => 'Say something that fills a pipe of 64 KiB\n'))
    const inBash = async (script: string): Promise<Ended> =>
      run(['bash', '-c', script, 'bash', process.execPath, PROGRAM, dir, 'changelog'])
    const full = await inBash('"$@" > /dev/full')
    expect([full.exitCode, full.stderr]).toEqual([2, expect.stringMatching(/^the disk is full.*\[LAGO_NO_SPACE\]/)])
    const gone = await inBash('"$@" | head -1; exit "${PIPESTATUS[0]}"')
    expect([gone.exitCode, gone.stderr]).toEqual([0, ''])
  })

  test.each<[readonly string[], RegExp]>([
    [['.'], /^usage: version_manager <repo> <what>\ntoo few words: 1 given, at least 2 needed/],
    [['.', 'versoin'], /^unknown value: what is "versoin"; known: "version", /m],
    [['.', 'version', '--wat'], /^unknown option or word: wat /m],
    [['.', 'version', 'more'], /^unknown option or word: more /m],
    [['.', 'changelog', '--from-commit'], /^a value is missing behind --from-commit /m],
    [['.', 'changelog', '--format', 'xml'], /^unknown value: format is "xml"; known: "rpm", "markdown", "json" /m],
    [['.', 'changelog', '--from-commit', '1.0', '--from-commit', '2.0'], /^--from-commit was given more than once/m],
    [['.', 'version', '--format', 'json'], /^--format is an option of changelog, not of version/],
    [['.', '--from-commit', 'HEAD', 'version'], /^--from-commit is an option of changelog and releasenotes, not of/],
    [['.', 'authors', '--all-commits'], /^--all-commits is an option of version, changelog, releasenotes and tag, not/],
    [['.', 'releasenotes', '--format', 'rpm'], /^--format is an option of changelog, not of releasenotes/],
    [['.', 'changelog', '--dry-run'], /^--dry-run is an option of tag, not of changelog/],
    [['.', 'version', '--no-annotate'], /^--annotate is an option of tag, not of version/],
    [['', 'version'], /^"repo" is empty /m],
  ])('a command line like %j', async (args, expected) => {
    const { exitCode, stdout, stderr } = await versionManager(args)
    expect([exitCode, stdout, stderr]).toEqual([2, '', expect.stringMatching(expected)])
    expect(stderr).toMatch(/^(usage: .*\n)?.*\[LAGO_USAGE\]\n {2}hint: (version_manager --help|give it a value.*)\n$/)
  })
})

test('without a word it tells what it can do, on stderr', async () => {
  const { exitCode, stdout, stderr } = await versionManager([])
  expect([exitCode, stdout]).toEqual([2, ''])
  expect(stderr).toMatch(/^version_manager <repo> <what>\n[^]*--from-commit[^]*\nsay what to do \[LAGO_USAGE\]\n$/)
})

test('rpm takes a changelog as its %changelog once percent signs are doubled', async () => {
  const { dir } = await linear('One 100%done %{name}\n', `Two ${'long '.repeat(30)}\n`, BREAKING)
  const { stdout } = await versionManager([dir, 'changelog'])
  const specPath = path.join(dir, 'x.spec')
  const head = 'Name: x\nVersion: 1\nRelease: 1\nSummary: x\nLicense: x\n%description\nx\n%changelog\n'
  await writeFile(specPath, head + stdout.replaceAll('%', '%%'))
  await chmod(specPath, 0o644)
  const { stdout: asked } = await run(['rpmspec', '--query', '--qf', '[%{CHANGELOGNAME}|%{CHANGELOGTEXT}\n]', specPath])
  expect(asked.match(/- [0-9.]+(?=\|)/g)).toEqual(['- 1.0.0', '- 0.0.2', '- 0.0.1'])
  expect(asked).toContain('One 100%done %{name}')
  expect(await readFile(specPath, 'utf8')).toContain('%%{name}')
})
