/**
 * What debugfs (e2fsprogs 1.47) said while it went through a batch. It goes on after an error and ends with exit code 0,
 * so the work is done only when every command was repeated and followed by nothing but what goes with success.
 */

/** `debugfs 1.47.0 (5-Feb-2023)` */
const BANNER = /^debugfs \d/
/** Also a line without anything, after `rm`. */
const SUCCESS = /^(Allocated inode: \d+)?$/

/** What went wrong: the first line that should not be there. Undefined: all of `lines` were done. */
export function findComplaint(lines: readonly string[], transcript: string): string | undefined {
  const said = transcript.split('\n').filter((line) => !SUCCESS.test(line))
  const expected = lines.map((line) => `debugfs: ${line}`)
  if (!BANNER.test(said.shift() ?? '')) return 'it did not greet as debugfs does'
  for (const line of said) if (line !== expected.shift()) return line
  return expected.length === 0 ? undefined : 'it ended early'
}
