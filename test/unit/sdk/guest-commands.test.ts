import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { LagoError } from '../../../src/base/errors.js'
import type { LagoEvent } from '../../../src/base/events.js'
import { createTask } from '../../../src/base/task.js'
import { pause } from '../../../src/base/wait.js'
import type { Guest, GuestCommand, GuestResult, GuestRunOptions } from '../../../src/guest/guest.js'
import { exec, fail, script, succeed, waitUntilSucceeds } from '../../../src/sdk/guest-commands.js'
import type { GuestLine } from '../../../src/sdk/guest-line.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const { task } = recordedTask()
const ok = (stdout = ''): GuestResult => ({ exitCode: 0, stdout, stderr: '' })
const bad = (exitCode: number, stderr = '', stdout = ''): GuestResult => ({ exitCode, stdout, stderr })

type Answer = (command: GuestCommand, options: GuestRunOptions) => GuestResult | Error | Promise<GuestResult>

/** A guest whose commands end as `answers` say, one after the other; the last goes on. */
function lineWith(...answers: Answer[]): GuestLine {
  const guest = {
    vm: 'vm0',
    run: async (_task, command, options = {}) => {
      const answer = (answers.length > 1 ? answers.shift() : answers[0])?.(command, options)
      if (answer === undefined || answer instanceof Error) throw answer
      return answer
    },
    start: () => {
      throw new Error('not used here')
    },
    disconnect: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  } satisfies Guest
  return {
    vm: 'vm0',
    use: async (task, work) => work(guest, task),
    renew: async () => undefined,
    drop: async () => undefined,
  }
}

test('an exit code is a result, unless it was to be an error', async () => {
  const line = lineWith(() => bad(3, 'no such unit\n'))
  expect(await exec(task, line, 'x', {})).toEqual({ ...bad(3, 'no such unit\n'), durationMs: expect.any(Number) })
  await expect(exec(task, line, 'x', { reject: true })).rejects.toMatchObject({ code: 'LAGO_GUEST_COMMAND' })
})

test('what must succeed gives its output, or an error with the last lines of what it said', async () => {
  expect(
    await succeed(
      task,
      lineWith(() => ok('here\n')),
      ['cat', 'f'],
      {},
    ),
  ).toBe('here\n')
  const stderr = Array.from({ length: 30 }, (_, index) => `line ${index}`).join('\n')
  const failed = succeed(
    task,
    lineWith(() => bad(4, stderr)),
    ['systemctl', 'start', 'x'],
    {},
  )
  await expect(failed).rejects.toMatchObject({
    code: 'LAGO_GUEST_COMMAND',
    message: expect.stringMatching(
      /^"systemctl start x" on vm0 failed with exit code 4\n {2}line 20\n[^]*\n {2}line 29$/,
    ),
    data: { vm: 'vm0', exitCode: 4, stderr },
  })
})

test('the output stands in for an empty stderr, and steers no terminal', async () => {
  const failed = succeed(
    task,
    lineWith(() => bad(1, '', 'first\n\u001b[31mred\u0007\n')),
    'x',
    {},
  )
  await expect(failed).rejects.toMatchObject({ message: expect.stringMatching(/\n {2}first\n {2}red$/) })
})

test('what must fail gives its result, and an error when it succeeds', async () => {
  expect(
    await fail(
      task,
      lineWith(() => bad(2)),
      'x',
      {},
    ),
  ).toMatchObject({ exitCode: 2 })
  await expect(
    fail(
      task,
      lineWith(() => ok()),
      'true',
      {},
    ),
  ).rejects.toMatchObject({
    code: 'LAGO_GUEST_COMMAND',
    message: '"true" on vm0 succeeded, and was to fail',
  })
})

test('a command has the time that it is given', async () => {
  const hanging: GuestLine = { ...lineWith(() => ok()), use: async (task) => pause(task, 60_000) as Promise<never> }
  await expect(exec(task, hanging, 'sleep', { timeoutMs: 1 })).rejects.toMatchObject({
    code: 'LAGO_TIMEOUT',
    message: '"sleep" on vm0 did not end within 0.001 s',
  })
})

test('input reaches the command and not the log', async () => {
  const recorded = recordedTask()
  const line = lineWith((_, { input }) => ok(String(input)))
  expect(await succeed(recorded.task, line, 'cat', { input: 'secret' })).toBe('secret')
  expect(recorded.messages().join('\n')).not.toContain('secret')
})

test('a script goes over standard input', async () => {
  const file = path.join(await makeTempDir(), 'a script.sh')
  await writeFile(file, 'echo from here')
  const line = lineWith((command, { input }) => ok(`${String(command)}: ${String(input)}`))
  expect((await script(task, line, file, {})).stdout).toMatch(/exec sh -s.*: echo from here$/)
  await expect(
    script(
      task,
      lineWith(() => bad(5)),
      file,
      { reject: true },
    ),
  ).rejects.toMatchObject({
    code: 'LAGO_GUEST_COMMAND',
    message: expect.stringContaining('a script.sh" on vm0 failed with exit code 5'),
  })
})

test('what will succeed is tried until it does, also through a reboot', async () => {
  const away = new LagoError('LAGO_GUEST_UNREACHABLE', 'vm0 is not there')
  const line = lineWith(
    () => bad(1),
    () => away,
    () => ok('up\n'),
  )
  expect(await waitUntilSucceeds(task, line, 'x', { timeoutMs: 20_000 })).toBe('up\n')
})

test('what never succeeds is told with how often it was tried and what was seen last', async () => {
  const line = lineWith(() => bad(3, 'inactive\n'))
  await expect(waitUntilSucceeds(task, line, 'is-active', { timeoutMs: 1 })).rejects.toMatchObject({
    code: 'LAGO_TIMEOUT',
    message: expect.stringMatching(/^success of "is-active" on vm0 did not .*1 x exit code 3: inactive/),
  })
})

test('a VM that does not run is not waited for', async () => {
  const line = lineWith(() => new LagoError('LAGO_VM_NOT_RUNNING', 'vm0 is down'))
  await expect(waitUntilSucceeds(task, line, 'x', {})).rejects.toMatchObject({ code: 'LAGO_VM_NOT_RUNNING' })
})

test('the log has a command once, with the ends of what it printed', async () => {
  const events: LagoEvent[] = []
  const logged = createTask({ emit: (event) => events.push(event), close: async () => undefined })
  const line = lineWith(() => bad(3, 'why\n', `${'x'.repeat(1_000_000)}end`))
  await exec(logged, line, 'print', {})
  expect(events).toHaveLength(1)
  expect(events[0]).toMatchObject({
    message: expect.stringMatching(/^vm0: exit code 3 after \d+ ms: "print"$/),
    data: { stdout: expect.stringMatching(/x{1000}end$/), stderr: 'why\n' },
  })
  expect(JSON.stringify(events).length).toBeLessThan(20_000)
})
