/** What virt-sysprep and virt-customize are told in a file (their manual, --commands-from-file). */

/** An option of theirs without its dashes. */
export interface GuestfsCommand {
  readonly option: string
  readonly value?: string
}

export function command(option: string, value?: string): GuestfsCommand {
  return value === undefined ? { option } : { option, value }
}

/** A text file of root's, with all directories above it. */
export function writeFileCommands(filePath: string, lines: readonly string[], mode = '0644'): GuestfsCommand[] {
  const dir = filePath.slice(0, filePath.lastIndexOf('/'))
  return [
    command('mkdir', dir),
    command('write', `${filePath}:${lines.map((line) => `${line}\n`).join('')}`),
    command('chmod', `${mode}:${filePath}`),
  ]
}

/**
 * The text of the file: a command on each line; a line end in a value is one behind a backslash. Throws a plain `Error`
 * for a value with a backslash at the end of a line, which cannot be told from that.
 */
export function commandsFileText(commands: readonly GuestfsCommand[]): string {
  return commands.map(({ option, value }) => `${value === undefined ? option : `${option} ${continued(value)}`}\n`).join('') // prettier-ignore
}

function continued(value: string): string {
  if (/\\$/m.test(value)) throw new Error('unreachable: a backslash at the end of a line')
  return value.replaceAll('\n', '\\\n')
}
