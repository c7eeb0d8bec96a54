/** `--compress [xz|zstd]`, as upstream has it without a value, and as configuration files may have it with yes or no. */
import type { ExportCompression } from '../../disk/compression.js'
import type { CommandSpec, ParsedArgs } from '../command.js'
import { commandUsage, usageError } from '../usage.js'

/** Undefined: not compressed. Throws `LAGO_USAGE`. */
export async function exportCompression(
  args: ParsedArgs,
  command: CommandSpec,
): Promise<ExportCompression | undefined> {
  const words = args.list('compress')
  if (words === undefined) return undefined
  const { EXPORT_COMPRESSIONS } = await import('../../disk/compression.js')
  const { parseBoolean } = await import('../../config/values.js')
  const [word = 'xz', ...more] = words
  const flag = parseBoolean(word)
  const found = flag === true ? 'xz' : EXPORT_COMPRESSIONS.find((name) => name === word)
  if (more.length > 0 || (found === undefined && flag !== false)) {
    const problem = `bad value "${words.join(' ')}" for --compress: expected one of ${EXPORT_COMPRESSIONS.join(', ')}`
    throw usageError(problem, commandUsage(command))
  }
  return found
}
