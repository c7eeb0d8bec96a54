/**
 * The stand-in engine as a program: `node build/test/helpers/engine/main.js --address 192.168.200.1 --port 8443 --state FILE`.
 *
 * FILE has the engine's data as JSON, with which it begins when the file is there, and which it writes back after
 * every request, with the violations of its API. It prints its URL when it is up, and ends with 1 when there were
 * violations. SIGTERM ends it.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { makeCertificate } from './certificate.js'
import { ordinaryEngine, type EngineData } from './model.js'
import { startEngine } from './server.js'

const { values } = parseArgs({
  options: { address: { type: 'string' }, port: { type: 'string' }, state: { type: 'string' } },
})
const { address = '127.0.0.1', port = '0', state } = values

const engine = await startEngine(kept() ?? ordinaryEngine(), {
  certificate: await makeCertificate(),
  address,
  port: Number(port),
  onChange: keep,
})
keep(engine.data, [])
process.once('SIGTERM', () => {
  void engine[Symbol.asyncDispose]().then(() => {
    for (const violation of engine.api.violations) console.error(violation)
    process.exitCode = engine.api.violations.length > 0 ? 1 : 0
  })
})
console.log(engine.url)

function kept(): EngineData | undefined {
  if (state === undefined || !existsSync(state)) return undefined
  return JSON.parse(readFileSync(state, 'utf8')) as EngineData // written below, or by whoever starts it
}

function keep(data: EngineData, violations: readonly string[]): void {
  if (state !== undefined) writeFileSync(state, JSON.stringify({ ...data, violations }, undefined, 2))
}
