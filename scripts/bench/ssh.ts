/** The system's ssh client as a person uses it for a machine that comes and goes. */
import { connect } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import type { Bench } from './context.js'
import { run, type RunOptions } from './programs.js'

const LIMIT_MS = 240_000
const OPTIONS = ['BatchMode=yes', 'StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR']

export interface Guests {
  readonly ips: readonly string[]
  readonly keyPath: string
}

/** The client and all of its options; a command may follow. */
export function sshArgv(ip: string, keyPath: string): [string, ...string[]] {
  return ['ssh', '-F', 'none', '-i', keyPath, ...OPTIONS.flatMap((option) => ['-o', option]), `root@${ip}`]
}

export async function ssh(
  bench: Bench,
  { ips: [ip = ''], keyPath }: Guests,
  command: string,
  options?: RunOptions,
): Promise<string> {
  return run(bench, [...sshArgv(ip, keyPath), command], options)
}

/** The same wait for both ways: a greeting on port 22, then one command over ssh, on all VMs at once. */
export async function sshAnswers(bench: Bench, { ips, keyPath }: Guests): Promise<void> {
  const until = performance.now() + LIMIT_MS
  await Promise.all(
    ips.map(async (ip) => {
      while (!(await greets(ip)) || !(await commandRuns(bench, ip, keyPath))) {
        if (performance.now() > until) throw new Error(`no command could be run on ${ip} for ${LIMIT_MS / 1000} s`)
        await setTimeout(50, undefined, { signal: bench.signal })
      }
    }),
  )
}

async function commandRuns(bench: Bench, ip: string, keyPath: string): Promise<boolean> {
  return run(bench, [...sshArgv(ip, keyPath), 'true']).then(
    () => true,
    () => false, // not yet
  )
}

async function greets(ip: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: ip, port: 22, timeout: 500 })
    const answer = (greeted: boolean): void => {
      socket.destroy()
      resolve(greeted)
    }
    socket
      .once('data', () => answer(true))
      .once('error', () => answer(false))
      .once('timeout', () => answer(false))
      .once('end', () => answer(false))
  })
}
