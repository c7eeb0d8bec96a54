import { fstatSync, statSync } from 'node:fs'
import type { Duplex, Writable } from 'node:stream'
import { LagoError } from '../../base/errors.js'
import type { Task } from '../../base/task.js'
import type { VmPlan } from '../../plan/types.js'
import type { Host } from '../../prefix/host.js'
import type { Prefix } from '../../prefix/prefix.js'
import type { CommandContext, CommandSpec } from '../command.js'
import type { EscapeKey } from '../escape-key.js'
import { readPrefix, withHost } from './context.js'
import { shell } from './shell.js'

export const consoleVerb: CommandSpec = {
  name: 'console',
  summary: "Connect to a VM's serial console, or show what it printed since the VM was started",
  example: 'lago console vm0 --log',
  args: [{ name: 'host', arity: 'one', complete: 'vm', help: "the VM's name" }],
  options: [
    { name: 'log', type: 'flag', help: 'print what the VM printed since it was started, and follow until it ends' },
    { name: 'no-follow', type: 'flag', help: 'with --log: end at the end of the log' },
    { name: 'escape', type: 'string', help: 'the key that leaves the console, as ^X or a character; default: ^]' },
    { name: 'force', type: 'flag', help: 'take the console over from another session' },
  ],
  async run(context) {
    const { args } = context
    const { requireRunning } = await import('../../prefix/guests.js')
    const { getVm, providerOf } = await import('../../prefix/prefix.js')
    const { parseEscapeKey } = await import('../escape-key.js')
    const escape = parseEscapeKey(args.one('escape') ?? '^]')
    const { prefix } = await readPrefix(context)
    context.logTo(prefix.layout.log)
    const vm = getVm(prefix.plan, args.one('host') ?? '')
    return withHost(context, async (host) => {
      if (args.flag('log')) return showLog(context, host, prefix, vm)
      const { openConsole } = providerOf(host, vm)
      // machines of others have no console here: spec 6.5
      if (openConsole === undefined) return shell.run({ ...context, args: { ...args, many: () => [] } })
      requireInput(context.streams.stdin)
      await requireRunning(context.task, host, vm)
      const stream = await openConsole(context.task, vm, { force: args.flag('force') })
      await connect(context, { vm: vm.spec.name, stream, escape })
    })
  },
}

/**
 * What is piped in is typed, and its end ends nothing; but nobody can mean to type what `/dev/null` holds, which is also
 * what Node puts in the place of a standard input that is closed. Throws `LAGO_USAGE`.
 */
function requireInput(stdin: object): void {
  const fd = 'fd' in stdin && typeof stdin.fd === 'number' ? stdin.fd : undefined
  if (fd === undefined || fstatSync(fd).rdev !== statSync('/dev/null').rdev) return
  throw new LagoError('LAGO_USAGE', 'the console needs a terminal, or something to type: standard input is empty', {
    hint: 'to see what the VM prints: lago console VM --log',
  })
}

interface Connection {
  /** Its name. */
  readonly vm: string
  readonly stream: Duplex
  readonly escape: EscapeKey
}

async function connect({ task, streams }: CommandContext, { vm, stream, escape }: Connection): Promise<void> {
  const { attach } = await import('../attach.js')
  const isTerminal = streams.stdin.isTTY === true
  try {
    task.log('info', `Connected to the console of ${vm}${isTerminal ? `; ${escape.text} leaves it` : ''}`)
    const outcome = await attach(task, streams, { stream, escape, source: process })
    if (isTerminal) streams.stdout.write('\n')
    if (outcome === 'ended') task.log('info', `The console of ${vm} was closed`)
  } finally {
    stream.destroy()
  }
}

async function showLog(
  { task, args, streams: { stdout } }: CommandContext,
  host: Host,
  prefix: Prefix,
  vm: VmPlan,
): Promise<void> {
  const { followConsoleLog, readConsoleLog } = await import('../../vm/console-log.js')
  const { createPlainText } = await import('../plain-text.js')
  const plain = createPlainText()
  const shown = (chunk: Uint8Array): string | Uint8Array => (stdout.isTTY === true ? plain(chunk) : chunk)
  const logPath = prefix.layout.consoleLog(vm.spec.name)
  if (args.flag('no-follow')) return copyTo(task, stdout, readConsoleLog(logPath), shown)
  const { watchEnd } = await import('../../prefix/watch-end.js')
  await using end = await watchEnd(task, host, vm)
  await copyTo(task, stdout, followConsoleLog(task, logPath, end.ended), shown)
}

async function copyTo(
  task: Task,
  stdout: Writable,
  source: AsyncIterable<Uint8Array>,
  shown: (chunk: Uint8Array) => string | Uint8Array,
): Promise<void> {
  for await (const chunk of source) {
    task.signal.throwIfAborted()
    if (stdout.destroyed) return
    // called back when it is written, and also when the reader has gone
    await new Promise<void>((resolve) => stdout.write(shown(chunk), () => resolve()))
  }
}
