/**
 * Runs jest over layers of the compiled tests, or single files of one: `node scripts/jest.js unit cli/verbs [-- jest options]`.
 * Ends with the plain line `N passed, N failed` and the exit code that goes with it.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'

const separator = process.argv.indexOf('--')
const layers = process.argv.slice(2, separator === -1 ? undefined : separator)
const extra = separator === -1 ? [] : process.argv.slice(separator + 1)
const root = path.resolve(import.meta.dirname, '..')
const scratch = mkdtempSync(path.join(os.tmpdir(), 'lago-jest-'))
const report = path.join(scratch, 'report.json')
const jest = path.join(path.dirname(createRequire(import.meta.url).resolve('jest/package.json')), 'bin', 'jest.js')

const run = spawnSync(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    jest,
    '--config',
    path.join(root, 'test', 'jest.config.json'),
    '--json',
    '--outputFile',
    report,
    ...(layers.some((layer) => layer.startsWith('integration')) ? ['--runInBand'] : ['--maxWorkers=100%']),
    ...extra,
    ...layers.map((layer) => `build/test/${layer}${layer.includes('/') ? '.' : '/'}`),
  ],
  { stdio: ['ignore', 'ignore', 'inherit'], cwd: root },
)
const { numPassedTests = 0, numFailedTests = 0, numRuntimeErrorTestSuites = 0, numPendingTests = 0 } = readReport()
rmSync(scratch, { recursive: true, force: true })
const failed = numFailedTests + numRuntimeErrorTestSuites
const skipped = numPendingTests > 0 ? `, ${numPendingTests} skipped` : ''
console.log(`${numPassedTests} passed, ${failed} failed${skipped}`)
process.exitCode = run.status === 0 && failed === 0 && numPassedTests > 0 ? 0 : 1

function readReport() {
  try {
    return JSON.parse(readFileSync(report, 'utf8'))
  } catch {
    return { numRuntimeErrorTestSuites: 1 } // jest ended before it could write one
  }
}
