import { describe, expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { mkdir, readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { makeDirs, writeFileAtomic, writeJsonAtomic } from '../../../src/base/files.js'
import { runAttached, runCommand } from '../../../src/base/process.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

test('arguments reach the program as they are: no shell looks at them', async () => {
  const { task } = recordedTask()
  const words = ['$(id -un)', 'a"b', "it's", 'x;y', '*']
  const { stdout } = await runCommand(task, ['printf', '%s\n', ...words])
  expect(stdout).toBe(`${words.join('\n')}\n`)
})

test('input goes to standard input', async () => {
  const { task } = recordedTask()
  expect((await runCommand(task, ['cat'], { input: 'hello' })).stdout).toBe('hello')
})

test('without input a program has none, and no socket by which bash would take itself for a remote login', async () => {
  const { task } = recordedTask()
  const script = '[ -S /dev/stdin ] && echo "a socket"; wc -c'
  expect((await runCommand(task, ['sh', '-c', script])).stdout.trim()).toBe('0')
  const home = await makeTempDir()
  await writeFileAtomic(path.join(home, '.bashrc'), 'echo of .bashrc\n')
  const bash = ['env', '-u', 'SHLVL', 'bash', '-c', 'echo said'] as const
  expect((await runCommand(task, bash, { env: { HOME: home } })).stdout).toBe('said\n')
})

test('the environment of a program is that of this one, with what is added and without what is taken out', async () => {
  const { task } = recordedTask()
  const argv = ['sh', '-c', 'echo "${HOME-no} ${PATH:+yes} $ADDED"'] as const
  const { stdout } = await runCommand(task, argv, { env: { HOME: undefined, ADDED: 'more' } })
  expect(stdout).toBe('no yes more\n')
})

test('a failure carries the command line, the exit code and the end of stderr', async () => {
  const { task } = recordedTask()
  await expect(runCommand(task, ['ls', '/no/such/place'])).rejects.toMatchObject({
    code: 'LAGO_COMMAND_FAILED',
    message: expect.stringContaining('ls /no/such/place ended with exit code 2'),
    data: { argv: ['ls', '/no/such/place'], exitCode: 2, stderr: expect.stringContaining('No such file') },
  })
})

test('exit codes that are allowed are results', async () => {
  const { task } = recordedTask()
  expect((await runCommand(task, ['false'], { okCodes: [0, 1] })).exitCode).toBe(1)
})

test('standard output that nobody wants is not kept', async () => {
  const { task } = recordedTask()
  const argv = ['sh', '-c', '[ -c /dev/stdout ] && echo out; echo err >&2'] as const
  expect(await runCommand(task, argv, { isStdoutIgnored: true })).toEqual({ exitCode: 0, stdout: '', stderr: 'err\n' })
})

test('a missing program is named with its package', async () => {
  const { task } = recordedTask()
  const missing = { code: 'LAGO_COMMAND_MISSING', hint: 'install the package qemu-utils' }
  await expect(runCommand(task, ['no-such-program'], { package: 'qemu-utils' })).rejects.toMatchObject(missing)
  await expect(runAttached(task, ['no-such-program'], { package: 'qemu-utils' })).rejects.toMatchObject(missing)
})

test('a full disk is told apart from other failures', async () => {
  const { task } = recordedTask()
  await expect(runCommand(task, ['dd', 'if=/dev/zero', 'of=/dev/full', 'count=1'])).rejects.toMatchObject({
    code: 'LAGO_NO_SPACE',
  })
})

test('an abort ends the program', async () => {
  const { task, abort } = recordedTask()
  const reason = new Error('enough')
  const run = runCommand(task, ['sleep', '600'])
  abort(reason)
  await expect(run).rejects.toBe(reason)
})

test('an attached program gives its exit code, or 128 + n for signal n', async () => {
  const { task } = recordedTask()
  expect(await runAttached(task, ['sh', '-c', 'exit 7'])).toBe(7)
  expect(await runAttached(task, ['sh', '-c', 'kill -KILL $$'])).toBe(137)
})

test('a file is replaced as a whole, with the mode asked for, and no temporary file stays', async () => {
  const dir = await makeTempDir()
  const file = path.join(dir, 'state')
  await writeFileAtomic(file, 'old')
  await writeFileAtomic(file, 'new', { mode: 0o600 })
  expect(await readFile(file, 'utf8')).toBe('new')
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  await writeJsonAtomic(file, { a: [1] })
  expect(await readFile(file, 'utf8')).toBe('{\n    "a": [\n        1\n    ]\n}')
  expect(await readdir(dir)).toEqual(['state'])
})

test('a failed write leaves the old content and nothing else', async () => {
  const dir = await makeTempDir()
  const target = path.join(dir, 'state')
  await mkdir(target) // rename over a directory fails
  await expect(writeFileAtomic(target, 'new')).rejects.toMatchObject({ code: 'EISDIR' })
  expect(await readdir(dir)).toEqual(['state'])
})

describe('a program wired to our streams', () => {
  /** Like ssh to a server that does not care: it goes on although nobody reads. */
  const DEAF = 'trap "" PIPE; while :; do echo y; done 2>/dev/null'

  const attached = (...argv: string[]): ReturnType<typeof spawn> => {
    const child = fileURLToPath(new URL('attached-child.js', import.meta.url))
    return spawn(process.execPath, [child, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] })
  }

  test.each([
    ['standard output', DEAF, 'stdout'],
    ['standard error', `exec 3>&2; trap "" PIPE; while :; do echo y >&3; done 2>/dev/null`, 'stderr'],
  ] as const)('ends as by SIGPIPE when nobody reads %s any more', async (_, script, name) => {
    const child = attached('sh', '-c', script)
    const exit = once(child, 'exit')
    const stream = child[name]
    if (stream === null) throw new Error('unreachable: it is a pipe')
    await once(stream, 'data')
    stream.destroy()
    expect(await exit).toEqual([141, null])
  })

  test('loses nothing of what it writes at its end', async () => {
    const child = attached('sh', '-c', 'seq 100000; echo last >&2; exit 7')
    let [stdout, stderr] = ['', '']
    child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    expect(await once(child, 'close')).toEqual([7, null])
    expect(stdout.split('\n').slice(-2)).toEqual(['100000', ''])
    expect(stdout).toHaveLength(588_895)
    expect(stderr).toBe('last\n')
  })
})

describe('directories are made as far as they are missing:', () => {
  test('it is told where that began', async () => {
    const dir = await makeTempDir()
    const target = path.join(dir, 'a', 'b', 'c')
    expect(await makeDirs(target)).toBe(path.join(dir, 'a'))
    expect(await makeDirs(target)).toBeUndefined()
    expect(await makeDirs(path.join(target, 'd'))).toBe(path.join(target, 'd'))
  })

  test('several at once', async () => {
    const target = path.join(await makeTempDir(), 'a', 'b')
    const made = await Promise.all(Array.from({ length: 8 }, async () => makeDirs(target)))
    expect(made.filter((first) => first === path.dirname(target))).toHaveLength(1)
  })

  test.each([
    ['a file is in the way', 'file', 'EEXIST'],
    ['a file is on the way', 'file/below/it', 'ENOTDIR'],
    ['the file system has no room for it', '/proc/lago/below', 'ENOENT'],
  ])('%s', async (_, target, code) => {
    const dir = await makeTempDir()
    await writeFileAtomic(path.join(dir, 'file'), '')
    await expect(makeDirs(path.resolve(dir, target))).rejects.toMatchObject({ code })
  })
})
