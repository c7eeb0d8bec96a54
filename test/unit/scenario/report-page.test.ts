/** The report of a suite, looked at in a real browser. */
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { addToReport, refreshReport } from '../../../src/scenario/report.js'
import type { TestResult } from '../../../src/scenario/types.js'
import { openBrowser, type Browser } from '../../helpers/browser.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const { task } = recordedTask()
let browser: Browser

beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(async () => browser[Symbol.asyncDispose]())

const HOSTILE = `<script>document.title='run'</script><img src=x onerror="document.title='run'">"'&amp;</pre></style>\x1b[31m\u202e`
const LONG = 'a_name_without_any_place_to_break_it'.repeat(12)

const passed = (name: string, durationMs: number): TestResult => ({ name, outcome: 'passed', durationMs })

/** Gives the directory: three scenarios, the second of which has failed in every way, and logs. */
async function report(hostile: string = HOSTILE): Promise<string> {
  const dir = path.join(await makeTempDir(), 'test_logs')
  const logsDir = path.join(dir, '002_bootstrap.add_hosts-20260131120102 #1?%41')
  await mkdir(path.join(logsDir, 'vm0'), { recursive: true })
  await mkdir(path.join(dir, 'post-001_initialize_engine.py'))
  const base = { startedAt: Date.UTC(2026, 0, 31, 12), hasHung: false }
  const second: readonly TestResult[] = [
    passed('002_bootstrap.add_dc', 1234),
    {
      ...{ name: '002_bootstrap.add_hosts', outcome: 'failed', durationMs: 181_000, logsDir },
      ...{ message: 'False != True after 180 seconds', details: `Traceback:\n  line\n${LONG}\n${hostile}` },
    },
    { name: `002_bootstrap.${hostile}`, outcome: 'error', durationMs: 1, message: hostile },
    { name: `002_bootstrap.${LONG}`, outcome: 'skipped', durationMs: 0, message: 'add_hosts, before it, has failed' },
  ]
  const runs = [
    {
      file: '/s/001_initialize_engine.py',
      durationMs: 754_000,
      tests: [passed('001.test_initialize_engine', 753_100)],
    },
    { file: '/s/002_bootstrap.py', durationMs: 3_723_000, tests: second },
    { file: `/s/${hostile.replaceAll('/', '_')}.py`, durationMs: 300, tests: [], hasHung: true },
  ]
  for (const run of runs) {
    const resultFile = path.join(path.dirname(dir), `${path.basename(run.file)}.junit.xml`)
    await writeFile(resultFile, '<testsuites/>')
    await addToReport(task, dir, { suite: `basic ${hostile}`, resultFile, result: { ...base, ...run } })
  }
  return dir
}

const pageOf = (dir: string): string => pathToFileURL(path.join(dir, 'report.html')).href

test('shows scenarios in their order, results, times, messages; is one file and silent', async () => {
  const dir = await report('')
  const page = await browser.open(pageOf(dir))
  const texts = async (selector: string): Promise<string[]> =>
    page.evaluate(`[...document.querySelectorAll(${JSON.stringify(selector)})].map((node) => node.innerText.trim())`)
  expect(await page.evaluate('document.title')).toBe('basic : 2 of 3 scenarios failed')
  expect(await texts('nav tbody tr')).toEqual([
    expect.stringMatching(/^001_initialize_engine\.py\s+✓ passed\s+1 test\s+12:34 min$/),
    expect.stringMatching(/^002_bootstrap\.py\s+✗ failed\s+4 tests, 2 failed, 1 skipped\s+1:02:03 h$/),
    expect.stringMatching(/^\.py\s+✗ did not end\s+0 tests\s+0\.3 s$/),
  ])
  expect((await texts('section h2'))[1]).toBe('002_bootstrap.py ✗ failed')
  expect(await texts('.message')).toContain('False != True after 180 seconds')
  expect((await texts('header p'))[0]).toBe(
    '5 tests, 2 failed, 1 skipped in 1:14:37 h, from 2026-01-31 12:00:00 UTC on',
  )
  expect(page.requests).toEqual([pageOf(dir)])
  expect(page.noise).toEqual([])
})

test('every link leads to something that is there', async () => {
  const page = await browser.open(pageOf(await report()))
  const links = await page.evaluate<string[]>('[...document.links].map((link) => link.href)')
  const outside = links.filter((link) => !link.includes('#'))
  expect(outside).toHaveLength(5)
  for (const link of outside) await expect(stat(fileURLToPath(link))).resolves.toBeDefined()
  const inside = await page.evaluate<number>(
    `[...document.links].filter((link) => link.getAttribute('href').startsWith('#') && document.querySelector(link.getAttribute('href'))).length`,
  )
  expect(inside).toBe(3)
})

test('names and messages of scenarios are text, whatever they are', async () => {
  const page = await browser.open(pageOf(await report()))
  expect(await page.evaluate('document.title')).toMatch(/^basic <script>/)
  expect(await page.evaluate(`document.querySelectorAll('script, img, iframe, [onerror]').length`)).toBe(0)
  expect(await page.evaluate(`document.querySelectorAll('style').length`)).toBe(1)
  const shown = await page.evaluate<string>('document.body.innerText')
  expect(shown).toContain(`<img src=x onerror="document.title='run'">`)
  for (const hidden of ['\x1b', '\u202e']) expect(shown).not.toContain(hidden)
  expect(page.noise).toEqual([])
})

test.each([320, 600, 1280])('fits into %d pixels, with everything unfolded', async (width) => {
  const page = await browser.open(pageOf(await report()), { width })
  await page.evaluate(`document.querySelectorAll('details').forEach((details) => { details.open = true })`)
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
})

/** WCAG 2.2, "contrast ratio", of each text with what is behind it. */
const LOWEST_CONTRAST = `(() => {
  const channel = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4)
  const luminance = (color) => {
    const [red, green, blue] = color.match(/[\\d.]+/g).map(Number).map(channel)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor
      if (color !== 'rgba(0, 0, 0, 0)') return color
    }
  }
  return Math.min(...[...document.querySelectorAll('body *')].filter((node) => node.innerText).map((node) => {
    const [one, two] = [luminance(getComputedStyle(node).color), luminance(behind(node))]
    return (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05)
  }))
})()`

test.each(['light', 'dark'] as const)('can be read in %s, and told apart without colours', async (scheme) => {
  const page = await browser.open(pageOf(await report()), { scheme })
  expect(await page.evaluate(LOWEST_CONTRAST)).toBeGreaterThanOrEqual(4.5)
  const background = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor')
  expect(background === 'rgb(255, 255, 255)').toBe(scheme === 'light')
  const colors = `[...document.querySelectorAll('section:nth-of-type(2) td.result')].map((cell) => getComputedStyle(cell).color)`
  const [good, failed, error, skipped] = await page.evaluate<string[]>(colors)
  expect(error).toBe(failed)
  expect(new Set([good, failed, skipped]).size).toBe(3)
  expect(await page.evaluate(`document.querySelectorAll('th:not([scope])').length`)).toBe(0)
  expect(await page.evaluate(`document.documentElement.lang`)).toBe('en')
  const keep = process.env['LAGO_TEST_SCREENSHOTS']
  if (keep !== undefined) await writeFile(path.join(keep, `report-${scheme}.png`), await page.screenshot())
})

test('a scenario that ran again takes its own place; logs that came later are linked', async () => {
  const dir = await report()
  const result = {
    file: '/s/002_bootstrap.py',
    startedAt: 0,
    durationMs: 5,
    tests: [passed('again', 5)],
    hasHung: false,
  }
  await addToReport(task, dir, { suite: 'basic', resultFile: path.join(dir, '..', 'r.xml'), result })
  await mkdir(path.join(dir, 'post-002_bootstrap.py'))
  const again = await refreshReport(task, dir)
  expect(again?.scenarios.map(({ file, outcome }) => `${path.basename(file)} ${outcome}`).slice(0, 2)).toEqual([
    '001_initialize_engine.py passed',
    '002_bootstrap.py passed',
  ])
  expect(again?.scenarios[1]).toMatchObject({ logs: 'post-002_bootstrap.py', tests: [{ name: 'again' }] })
  expect(await readFile(path.join(dir, 'report.html'), 'utf8')).toContain('href="./post-002_bootstrap.py/"')
})

test('several that end at once are all in it', async () => {
  const dir = path.join(await makeTempDir(), 'test_logs')
  const names = Array.from({ length: 10 }, (_, index) => `/s/${index}.py`)
  const add = async (file: string): Promise<void> => {
    const result = { file, startedAt: 0, durationMs: 0, tests: [], hasHung: false }
    await addToReport(task, dir, { suite: '', resultFile: '/r.xml', result })
  }
  await Promise.all(names.map(add))
  expect((await refreshReport(task, dir))?.scenarios.map(({ file }) => file).sort()).toEqual(names)
})

test('a file of that name that is no report is left as it is, and told', async () => {
  const dir = await makeTempDir()
  await writeFile(path.join(dir, 'report.json'), '{"version": 1')
  const result = { file: '/s/1.py', startedAt: 0, durationMs: 0, tests: [], hasHung: false }
  const added = { suite: '', resultFile: '/r.xml', result }
  for (const look of [async () => refreshReport(task, dir), async () => addToReport(task, dir, added)])
    await expect(look()).rejects.toMatchObject({ code: 'LAGO_REPORT_FORMAT' })
  expect(await readFile(path.join(dir, 'report.json'), 'utf8')).toBe('{"version": 1')
})
