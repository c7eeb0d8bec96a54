/** A verb is data plus `run`; `run` gives data back and the CLI prints it. Commands never touch stdout themselves. */
import type { Readable, Writable } from 'node:stream'
import type { Task } from '../base/task.js'
import type { Config } from '../config/types.js'
import type { AddedKinds } from '../prefix/kinds.js'

export interface CommandSpec {
  /** A word, or two: `ovirt deploy`. */
  readonly name: string
  /** Verb first, no full stop. */
  readonly summary: string
  /** One command line that works when pasted. */
  readonly example: string
  readonly args: readonly ArgSpec[]
  readonly options: readonly OptionSpec[]
  /** Everything after the first positional belongs to the verb as it stands, dashes included (`shell`). */
  readonly passThrough?: boolean
  run(context: CommandContext): Promise<CommandOutcome | void>
}

export interface ArgSpec {
  readonly name: string
  /** `many`: none or more. */
  readonly arity: 'one' | 'optional' | 'many'
  readonly help: string
  readonly complete?: Completion
}

/**
 * What a shell offers on TAB: what is there of a kind, as seen from where the user stands, or these words, beside which others
 * are allowed.
 */
export type Completion = 'file' | 'directory' | 'vm' | 'net' | 'prefix' | 'snapshot' | readonly string[]

export interface OptionSpec {
  /** Long name without dashes, as users type it: `template-repo-path`, `libvirt_url`. */
  readonly name: string
  readonly short?: string
  /**
   * `list`: `-n a b c`, up to the next option or `--`; none is allowed, and so is naming the option again. `optional`:
   * `--wait` or `--wait=VALUE`; a word behind it is not its value.
   */
  readonly type: 'flag' | 'string' | 'int' | 'list' | 'optional'
  readonly help: string
  /** Allowed values; anything else is a usage error that lists them. */
  readonly choices?: readonly string[]
  /** Where there are no `choices`. */
  readonly complete?: Completion
}

export interface CommandContext {
  readonly task: Task
  readonly config: Config
  /** Absolute. */
  readonly cwd: string
  /** The process environment, for expansion in init files; nobody below reads `process.env`. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly args: ParsedArgs
  /** The name under which the program was called. */
  readonly program: 'lago' | 'lagocli'
  /** Where facts about this host are kept between runs; absolute, may be missing. */
  readonly cacheDir: string
  /** What plugins add to the kinds of VMs, providers and services, for whoever opens a host or an environment. */
  readonly kinds?: AddedKinds
  /** The command line of this run, plugins included, for a verb that describes it. */
  readonly commandLine?: CommandLine
  /** Standard input is a terminal. */
  readonly isTerminal: boolean
  /** For a verb that gives the terminal to somebody else (`console`); all others give back what is to be printed. */
  readonly streams: StandardStreams
  /**
   * Prints `question` as it is and reads one line; an empty one means yes. Throws `LAGO_CONFIRM_REQUIRED` when there is
   * no line to read.
   */
  confirm(question: string): Promise<boolean>
  /** Everything that happens, from the start of the run on, goes to this file; the first call counts. */
  logTo(logPath: string): void
}

export interface CommandLine {
  readonly verbs: readonly CommandSpec[]
  /** What `--out-format` takes. */
  readonly outputFormats: readonly string[]
}

export interface StandardStreams {
  readonly stdin: Readable & Terminal
  readonly stdout: Writable & Terminal
}

/** What a stream has that is a terminal. */
export interface Terminal {
  readonly isTTY?: boolean
  setRawMode?(raw: boolean): unknown
}

/** Values by name: positionals and the verb's own options, from the command line or the verb's `[section]`. */
export interface ParsedArgs {
  one(name: string): string | undefined
  many(name: string): readonly string[]
  flag(name: string): boolean
  /** Throws `LAGO_USAGE` for what is not a whole number. */
  int(name: string): number | undefined
  /** Undefined: the option was not given; it may have been given without a word. */
  list(name: string): readonly string[] | undefined
  /** Of an `optional` option: its value, or `true` without one. */
  optional(name: string): string | true | undefined
}

export interface CommandOutcome {
  /** Printed to stdout in the format that `--out-format` names. */
  readonly output?: unknown
  /** Printed to stdout as it is, whatever the output format: a file of another program's format. */
  readonly text?: string
  /** Default 0; `shell` gives the guest's. */
  readonly exitCode?: number
  /** Told once the output is printed, as if it had been thrown: for a verb whose answer says what has failed. */
  readonly error?: unknown
}
