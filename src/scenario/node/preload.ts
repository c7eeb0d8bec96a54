/** Loaded before a scenario for Node: TypeScript, the way to Lago's own library, and a look at the guests after a failed test. */
import module from 'node:module'
import { afterEach, beforeEach, type TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { ownModule } from '../../base/package-dir.js'
import { hold } from './control.js'
import { load, resolve } from './hooks.js'
import { Stopped } from './stopped.js'

// since Node.js 22.15 and 23.5; earlier ones have a thread for it
const { registerHooks } = module as { registerHooks?: (hooks: object) => void }
if (registerHooks !== undefined) registerHooks({ resolve, load })
else module.register(pathToFileURL(ownModule('scenario-hooks', 'scenario/node/hooks')))

// what @types/node 20 does not know of; `passed` since Node.js 20.12
type EndedTest = TestContext & { readonly passed?: boolean; readonly fullName?: string }

const stopsAtFirst = process.env['OVIRTLAGO_STOP_AT_FIRST'] === '1'
let hasFailed = false

/** A skip would not keep the test from running; the hooks that clear up behind the tests run all the same. */
beforeEach(async () => {
  await reported()
  if (stopsAtFirst && hasFailed) throw new Stopped()
})

afterEach(async (context) => {
  await reported()
  const { passed, fullName, name } = context as EndedTest
  if (passed !== false || (stopsAtFirst && hasFailed)) return
  hasFailed = true
  hold(fullName ?? name)
})

/** What has been is with the reporter, which reads a stream, before the test goes on that might let nobody else go on. */
async function reported(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await setImmediate()
}

const TURNS = 3
