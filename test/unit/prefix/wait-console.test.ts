import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { plainLine } from '../../../src/prefix/console-lines.js'
import { ConsoleFindings } from '../../../src/prefix/wait-console.js'

interface Heard {
  readonly findings: ConsoleFindings
  readonly news: string[]
}

function findings(): Heard {
  const news: string[] = []
  return {
    news,
    findings: new ConsoleFindings({ onKernel: () => news.push('kernel'), onPanic: () => news.push('panic') }),
  }
}

/** What a real guest printed. */
async function printed(name: string): Promise<{ lines: string[]; unfinished: string }> {
  const file = new URL(`../../../../test/fixtures/console/${name}`, import.meta.url)
  const parts = (await readFile(fileURLToPath(file), 'utf8')).split('\n').map(plainLine)
  return { unfinished: parts.pop() ?? '', lines: parts }
}

test('a kernel without its root device: it ran, it stopped for good, and the root device is the cause', async () => {
  const { findings: found, news } = findings()
  const { lines, unfinished } = await printed('panic.log')
  found.take(lines, unfinished)
  expect(news).toEqual(['kernel', 'panic'])
  expect(found.cause).toMatchObject({ name: 'no-root-device' })
  expect(found.lastLines).toHaveLength(10)
  expect(found.lastLines.at(-1)).toMatch(/end Kernel panic/)
})

test('a guest that came up: no cause, and its prompt is the last line though it is not ended', async () => {
  const { findings: found, news } = findings()
  const { lines, unfinished } = await printed('mini.log')
  found.take(lines, unfinished)
  expect(news).toEqual(['kernel'])
  expect(found.cause).toBeUndefined()
  expect(found.lastLines).toEqual(['mini: init', 'mini: ready', 'mini login:'])
})

test('a prompt alone tells that a kernel runs', () => {
  const { findings: found, news } = findings()
  found.take([], 'debian login: ')
  expect(news).toEqual(['kernel'])
})

test('a kernel that reboots after its panic has not stopped for good, and the panic stays the cause until a new one', () => {
  const { findings: found, news } = findings()
  found.take(['Linux version 6.1', 'Kernel panic - not syncing: x', 'Rebooting in 5 seconds..'], '')
  found.take(['Linux version 6.1'], '')
  expect(news).toEqual(['kernel'])
  expect(found.cause).toMatchObject({ name: 'kernel-panic' })
  found.take(['You are in emergency mode.'], '')
  expect(found.cause).toMatchObject({ name: 'emergency-mode' })
})

test('of the lines the last ten are kept, without empty ones', () => {
  const { findings: found } = findings()
  found.take(
    Array.from({ length: 30 }, (_, index) => (index % 2 === 0 ? `line ${index}` : '')),
    '',
  )
  expect(found.lastLines).toEqual([10, 12, 14, 16, 18, 20, 22, 24, 26, 28].map((index) => `line ${index}`))
})

test('what was printed before a revert is no cause any more', async () => {
  const { findings: found } = findings()
  const { lines } = await printed('panic.log')
  found.take([...lines, '[lago] back at the snapshot clean', 'login:'], '')
  expect(found.cause).toBeUndefined()
})
