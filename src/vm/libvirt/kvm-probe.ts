/**
 * Whether KVM really runs a guest: a device that opens is no proof, because on some hosts guests hang at their first
 * instructions. A Linux kernel is started by the emulator itself, without libvirt, until it prints its first line.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { messageOf } from '../../base/errors.js'
import type { Task } from '../../base/task.js'

export interface KvmProbeOptions {
  readonly emulator: string
  /** libvirt's name of the host's architecture. */
  readonly arch: string
  readonly kernelPath: string
  readonly deadlineMs: number
}

export interface KvmProbeResult {
  readonly works: boolean
  /** What was seen, to be read after "KVM was tried: ". */
  readonly finding: string
}

export interface KvmProbe extends KvmProbeResult {
  /** False when only the time was over: the host may have been busy. */
  readonly isProof: boolean
}

/** Takes `deadlineMs` at most and leaves no process. Rejects only when the task is aborted. */
export async function probeKvm(task: Task, options: KvmProbeOptions): Promise<KvmProbe> {
  task.signal.throwIfAborted()
  const argv = probeArguments(options)
  task.log('debug', `run: ${options.emulator} ${argv.join(' ')}`)
  const emulator = spawn(options.emulator, argv, { stdio: ['ignore', 'pipe', 'pipe'] })
  try {
    return await firstOf(task, emulator, options.deadlineMs)
  } finally {
    await reap(emulator)
  }
}

/** What the kernel calls the emulator's first serial port; ttyS0 elsewhere. */
const SERIAL_CONSOLES: Readonly<Record<string, string>> = {
  aarch64: 'ttyAMA0',
  armv7l: 'ttyAMA0',
  ppc64le: 'hvc0',
  s390x: 'ttysclp0',
}
/** Architectures whose emulators have no default machine. */
const MACHINES: Readonly<Record<string, string>> = { aarch64: 'virt', armv7l: 'virt', riscv64: 'virt' }

function probeArguments({ arch, kernelPath }: KvmProbeOptions): string[] {
  const console = SERIAL_CONSOLES[arch] ?? 'ttyS0'
  const machine = MACHINES[arch]
  const early = console === 'ttyS0' ? `earlyprintk=serial,${console}` : 'earlycon'
  return [
    ...['-name', 'lago-kvm-probe', '-no-user-config', '-nodefaults', '-accel', 'kvm', '-cpu', 'host', '-m', '128M'],
    ...(machine === undefined ? [] : ['-machine', machine]),
    ...['-kernel', kernelPath, '-append', `console=${console} ${early} panic=-1`, '-no-reboot'],
    ...['-display', 'none', '-monitor', 'none', '-serial', 'stdio'],
  ]
}

const FIRST_LINE = 'Linux version'

async function firstOf(task: Task, emulator: ChildProcess, deadlineMs: number): Promise<KvmProbe> {
  return new Promise((resolve, reject) => {
    let printed = ''
    let complaint = ''
    const settle = (): void => {
      clearTimeout(timer)
      task.signal.removeEventListener('abort', onAbort)
    }
    const answer = (works: boolean, finding: string): void => {
      settle()
      resolve({ works, finding, isProof: true })
    }
    const giveUp = (): void => {
      settle()
      resolve({ works: false, finding: `no Linux kernel line within ${deadlineMs / 1000} s`, isProof: false })
    }
    const onAbort = (): void => {
      settle()
      reject(task.signal.reason as Error) // a signal's reason is what to throw
    }
    const timer = setTimeout(() => setImmediate(giveUp), deadlineMs) // what has come by now is read before
    task.signal.addEventListener('abort', onAbort)

    emulator.stdout?.setEncoding('latin1').on('data', (text: string) => {
      printed = (printed + text).slice(-KEPT_CHARACTERS)
      if (printed.includes(FIRST_LINE)) answer(true, 'a Linux kernel started')
    })
    emulator.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-KEPT_CHARACTERS)
    })
    emulator.on('error', (error) => answer(false, `the emulator could not be run: ${messageOf(error)}`))
    emulator.on('close', (code, signal) => {
      if (complaint !== '') task.log('debug', `the emulator's last words: ${complaint.trim()}`)
      answer(false, `the emulator ended (${signal ?? `exit code ${code}`}) before a kernel's first line`)
    })
  })
}

/** Enough for a line that arrives in pieces, and for the end of what the emulator says. */
const KEPT_CHARACTERS = 4096

/** A process that hangs in the kernel may outlive SIGKILL; it is not waited for longer than this. */
const REAP_LIMIT_MS = 5_000

async function reap(emulator: ChildProcess): Promise<void> {
  emulator.stdout?.destroy()
  emulator.stderr?.destroy()
  if (emulator.pid === undefined || emulator.exitCode !== null || emulator.signalCode !== null) return
  emulator.kill('SIGKILL')
  await once(emulator, 'exit', { signal: AbortSignal.timeout(REAP_LIMIT_MS) }).catch(() => emulator.unref())
}
