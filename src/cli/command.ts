/** A verb is data plus `run`; `run` gives data back and the CLI prints it. Commands never touch stdout themselves. */
import type { Task } from '../base/task.js'
import type { Config } from '../config/types.js'

export interface CommandSpec {
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
}

export interface OptionSpec {
  /** Long name without dashes, as users type it: `template-repo-path`, `libvirt_url`. */
  readonly name: string
  readonly short?: string
  readonly type: 'flag' | 'string' | 'int'
  readonly help: string
  /** Allowed values; anything else is a usage error that lists them. */
  readonly choices?: readonly string[]
}

export interface CommandContext {
  readonly task: Task
  readonly config: Config
  /** Absolute. */
  readonly cwd: string
  /** The process environment, for expansion in init files; nobody below reads `process.env`. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly args: ParsedArgs
  /** Where facts about this host are kept between runs; absolute, may be missing. */
  readonly cacheDir: string
  /** Standard input is a terminal. */
  readonly isTerminal: boolean
  /**
   * Prints `question` as it is and reads one line; an empty one means yes. Throws `LAGO_CONFIRM_REQUIRED` when there is
   * no line to read.
   */
  confirm(question: string): Promise<boolean>
  /** Everything that happens, from the start of the run on, goes to this file; the first call counts. */
  logTo(logPath: string): void
}

/** Values by name: positionals and the verb's own options, from the command line or the verb's `[section]`. */
export interface ParsedArgs {
  one(name: string): string | undefined
  many(name: string): readonly string[]
  flag(name: string): boolean
  /** Throws `LAGO_USAGE` for what is not a whole number. */
  int(name: string): number | undefined
}

export interface CommandOutcome {
  /** Printed to stdout in the format that `--out-format` names. */
  readonly output?: unknown
  /** Default 0; `shell` gives the guest's. */
  readonly exitCode?: number
}
