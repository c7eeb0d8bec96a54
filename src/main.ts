/** The program as a process: arguments, environment, standard streams, signals and exit code meet the rest here. */
import { existsSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { ownModule } from './base/package-dir.js'
import { fastAnswer } from './cli/fast-path.js'
import type { LagoPlugin } from './plugin/contract.js'

const argv = process.argv.slice(2)
const quick = fastAnswer(argv)
if (quick === undefined) await main()
else process.stdout.write(quick)

async function main(): Promise<void> {
  ignoreClosedPipe(process.stdout)
  ignoreClosedPipe(process.stderr)
  const { abortOnSignals } = await import('./cli/signals.js')
  const signal = abortOnSignals(process)
  const { homedir } = await import('node:os')
  const { runProgram } = await import('./cli/program.js')
  const { commands } = await import('./cli/commands/index.js')
  const { env, stdin, stdout, stderr } = process
  const io = { argv, program: calledAs(), env, cwd: process.cwd(), homeDir: homedir(), stdin, stdout, stderr, signal }
  const exitCode = await runProgram(io, commands, await pluginsBesideUs())
  // the work is done and everything is written, whatever a library still holds open
  const { hasHangingThread } = await import('./libvirt/hanging.js')
  if (!signal.aborted && !hasHangingThread()) process.exit(exitCode)
  const { exitNow } = await import('./libvirt/exit-now.js')
  exitNow(exitCode)
}

/** What a distribution packs into a package of its own (lago-ovirt) may not be here. */
async function pluginsBesideUs(): Promise<readonly LagoPlugin[]> {
  const file = ownModule('ovirt-plugin', 'plugins/ovirt/plugin')
  if (!existsSync(file)) return []
  const { ovirt } = (await import(pathToFileURL(file).href)) as { readonly ovirt: LagoPlugin } // our own file
  return [ovirt]
}

/** `bin/lagocli.js` says that it is that; the name of a file or a link would prove nothing. */
function calledAs(): 'lago' | 'lagocli' {
  return Reflect.get(globalThis, Symbol.for('lago.program')) === 'lagocli' ? 'lagocli' : 'lago'
}

/** `lago status | head -1` closes the pipe early, and a terminal may go away; neither is an error. */
function ignoreClosedPipe(stream: NodeJS.WriteStream): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error
  })
}
