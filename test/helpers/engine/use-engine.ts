import { afterEach, beforeAll, expect } from '@jest/globals'
import { makeCertificate, type EngineCertificate } from './certificate.js'
import { ordinaryEngine, type EngineData } from './model.js'
import { startEngine, type StandInEngine, type StandInOptions } from './server.js'

export interface Engines {
  /** Up, with `data` changed in the ordinary engine; ends with the test, which fails when the API was used wrongly. */
  start(data?: Partial<EngineData>, options?: Partial<StandInOptions>): Promise<StandInEngine>
  /** That of all engines of the file. */
  certificate(): EngineCertificate
}

/** Call at the top of a test file. */
export function useEngines(): Engines {
  let certificate: EngineCertificate | undefined
  const open: StandInEngine[] = []
  const get = (): EngineCertificate => {
    if (certificate === undefined) throw new Error('unreachable: it is made before all tests')
    return certificate
  }
  beforeAll(async () => {
    certificate = await makeCertificate()
  })
  afterEach(async () => {
    const ended = open.splice(0)
    for (const engine of ended) await engine[Symbol.asyncDispose]()
    expect(ended.flatMap(({ api }) => api.violations)).toEqual([])
  })
  return {
    async start(data, options) {
      const engine = await startEngine(ordinaryEngine(data), { certificate: get(), ...options })
      open.push(engine)
      return engine
    },
    certificate: get,
  }
}
