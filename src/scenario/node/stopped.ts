/** Why a test did not run. Told by its code: the reporter may have loaded this file a second time. */
const CODE = 'OVIRTLAGO_STOPPED'

export class Stopped extends Error {
  readonly code: string = CODE

  constructor() {
    super('a test before it has failed')
  }
}

export function isStopped(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === CODE
}
