/** `/etc/lago/lago.conf` as it is installed: every setting with its default and its explanation, all commented out. */
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { commands } from '../../src/cli/commands/index.js'
import { runProgram } from '../../src/cli/program.js'

/** What `lago generate-config` says where nothing is configured. */
export async function defaultConfig(): Promise<string> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const nowhere = '/nonexistent'
  const io = {
    argv: ['generate-config', '--verbose'],
    env: {},
    cwd: nowhere,
    homeDir: nowhere,
    etcDir: nowhere,
    stdin: new PassThrough(),
    stdout,
    stderr,
    signal: new AbortController().signal,
  }
  const [printed, said] = [text(stdout), text(stderr)]
  const exitCode = await runProgram(io, commands)
  stdout.end()
  stderr.end()
  if (exitCode !== 0) throw new Error(`lago generate-config: ${await said}`)
  return commentedOut(await printed)
}

function commentedOut(config: string): string {
  const lines = config.split('\n').filter((line) => !line.startsWith('# from: '))
  const settings = lines.slice(1).map((line) => (/^(#|\[|$)/.test(line) ? line : `#${line}`))
  return ['# Configuration of Lago for everybody on this host. Lines with # are defaults.', ...settings].join('\n')
}
