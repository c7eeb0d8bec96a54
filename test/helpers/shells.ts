/**
 * Real shells that complete command lines, as on a terminal: every line is typed, one key puts all that is offered into it,
 * and another has the shell print what it holds by then.
 */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'

export interface ShellSession {
  /** Current directory of the shell, and its home. */
  readonly cwd: string
  /** Lines that load the completion. */
  readonly setUp: string
  readonly lines: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** By line: the words offered for the last one, sorted; without `--name=`, and without the slash of a directory. */
export type Offered = Readonly<Record<string, readonly string[]>>

export type ShellName = 'bash' | 'zsh' | 'fish'

export async function offeredBy(shell: ShellName, session: ShellSession): Promise<Offered> {
  const results = await RUNNERS[shell](session)
  if (results.length !== session.lines.length)
    throw new Error(`${shell} answered ${results.length} of ${session.lines.length} lines: ${results.join('\n')}`)
  return Object.fromEntries(session.lines.map((line, index) => [line, results[index] ?? []]))
}

/** By line: what bash makes of it when TAB is pressed twice. */
export async function afterTwoTabs(session: ShellSession): Promise<Readonly<Record<string, string>>> {
  const results = await linesOfBash(session, TAB + TAB)
  return Object.fromEntries(session.lines.map((line, index) => [line, results[index] ?? '']))
}

const RUNNERS = { bash: inBash, zsh: inZsh, fish: inFish } as const
const ALL_IN = '\x18a'
const SHOW = '\x18s'
const TAB = '\t'

async function inBash(session: ShellSession): Promise<readonly (readonly string[])[]> {
  const results = await linesOfBash(session, ALL_IN)
  return results.map((result, index) => wordsOf(session.lines[index] ?? '', result))
}

/** As they stand once `keys` have been pressed behind each. */
async function linesOfBash({ cwd, setUp, lines, env }: ShellSession, keys: string): Promise<readonly string[]> {
  const rcPath = path.join(cwd, 'bashrc')
  const rc = [
    setUp,
    "PS1=''",
    'set +o history',
    String.raw`bind '"\C-xa": insert-completions'`,
    'show() { printf "RESULT<%s>\\n" "$READLINE_LINE"; READLINE_LINE= READLINE_POINT=0; }',
    String.raw`bind -x '"\C-xs": show'`,
  ]
  await writeFile(rcPath, rc.join('\n'))
  const typed = lines.map((line) => `${line}${keys}${SHOW}`).join('')
  const { stdout, stderr } = await run('bash', ['--rcfile', rcPath, '-i'], { cwd, env, input: typed })
  const complaints = stderr.match(/^.*(?:lago\.bash|_lago).*: .*$/gm)
  if (complaints !== null) throw new Error(complaints.join('\n'))
  return resultsIn(stdout)
}

async function inZsh({ cwd, setUp, lines, env }: ShellSession): Promise<readonly (readonly string[])[]> {
  const rc = [
    "PS1=''",
    `exec 2> ${path.join(cwd, 'zsh-errors')}`,
    setUp,
    'insert_all() { compstate[insert]=all; compstate[list]= }',
    'complete_all() { comppostfuncs=(insert_all); zle complete-word }',
    `show() { print -r -- "RESULT<$BUFFER>" >> ${path.join(cwd, 'zsh-results')}; BUFFER=; print READY }`,
    'zle -N complete_all; zle -N show',
    'bindkey -e',
    "bindkey '^Xa' complete_all; bindkey '^Xs' show",
    'print READY',
  ]
  const driver = [
    `: > ${path.join(cwd, 'zsh-results')}`,
    'zmodload zsh/zpty',
    "zpty lago 'zsh -f -i'",
    `zpty -w lago 'source ${path.join(cwd, 'zshrc')}'`,
    "zpty -r lago line '*READY*'",
    `while IFS= read -r typed; do zpty -w -n lago "$typed"$'${ALL_IN}${SHOW}'; zpty -r lago line '*READY*'; done`,
    'zpty -d lago',
    `cat ${path.join(cwd, 'zsh-results')}`,
    `cat ${path.join(cwd, 'zsh-errors')} >&2`,
  ]
  await writeFile(path.join(cwd, 'zshrc'), rc.join('\n'))
  const input = lines.map((line) => `${line}\n`).join('')
  const { stdout, stderr } = await run('zsh', ['-f', '-c', driver.join('\n')], { cwd, env, input })
  if (stderr !== '') throw new Error(stderr)
  return resultsIn(stdout).map((result, index) => wordsOf(lines[index] ?? '', result))
}

/** fish has a builtin for it. */
async function inFish({ cwd, setUp, lines, env }: ShellSession): Promise<readonly (readonly string[])[]> {
  const script = [setUp, 'while read -l line', 'complete -C "$line"', 'echo RESULT', 'end']
  const input = lines.map((line) => `${line}\n`).join('')
  const { stdout, stderr } = await run('fish', ['-c', script.join('\n')], { cwd, env, input })
  if (stderr !== '') throw new Error(stderr)
  return stdout
    .split(/^RESULT\n/m)
    .slice(0, -1)
    .map((block, index) => {
      const words = block.split('\n').slice(0, -1)
      return sorted(words.map((word) => valueOf(lastWord(lines[index] ?? ''), word.replace(/\t.*/, ''))))
    })
}

function resultsIn(stdout: string): readonly string[] {
  return [...stdout.matchAll(/^RESULT<(.*)>$/gm)].map(([, result = '']) => result)
}

/** Those that were put in place of the last word of `line`; none, if the line is as it was. */
function wordsOf(line: string, result: string): readonly string[] {
  if (result === line) return []
  const last = lastWord(line)
  const words = result.slice(line.length - last.length).match(/(?:\\.|[^\\ ])+/g) ?? []
  return sorted(words.map((word) => valueOf(last, word.replace(/\\(.)/g, '$1'))))
}

function lastWord(line: string): string {
  return line.slice(line.lastIndexOf(' ') + 1)
}

function valueOf(typed: string, word: string): string {
  const key = /^--[^=]+=/.exec(typed)?.[0] ?? ''
  return (word.startsWith(key) ? word.slice(key.length) : word).replace(/(.)\/$/, '$1')
}

function sorted(words: readonly string[]): readonly string[] {
  return [...new Set(words)].sort()
}

interface RunOptions {
  readonly cwd: string
  readonly env: Readonly<Record<string, string>> | undefined
  readonly input: string
}

async function run(
  program: string,
  args: readonly string[],
  { cwd, env, input }: RunOptions,
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  return new Promise((resolve, reject) => {
    const fullEnv = { PATH: process.env['PATH'], HOME: cwd, TERM: 'xterm', LC_ALL: 'C.UTF-8', ...env }
    const child = execFile(program, args, { cwd, env: fullEnv, timeout: 60_000 }, (error, stdout, stderr) => {
      if (error !== null && child.exitCode === null) reject(error)
      else resolve({ stdout, stderr })
    })
    child.stdin?.end(input)
  })
}
