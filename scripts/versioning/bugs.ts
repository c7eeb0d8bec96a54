/** Bugs that a commit's message names. */

const MARK = /Bug-Url: https?:\/\/bugzilla/g

/**
 * Numbers of Bugzilla's bugs, one for each line with a `Bug-Url:` of one (spec 8.3), in their order.
 *
 * The number is the first one behind the last slash that has one behind it: 12 of `.../show_bug.cgi?id=12`, 34 of
 * `.../12/34`. Takes time in proportion to the message.
 */
export function bugsOf(message: string): readonly string[] {
  if (!message.includes('Bug-Url: ')) return []
  return message.split('\n').flatMap((line) => bugOfLine(line) ?? [])
}

function bugOfLine(line: string): string | undefined {
  const [first] = line.matchAll(MARK)
  if (first === undefined) return undefined
  const lastDigit = line.search(/[0-9][^0-9]*$/)
  const slash = line.lastIndexOf('/', lastDigit)
  if (lastDigit === -1 || slash < first.index + first[0].length) return undefined
  return /[0-9]+/.exec(line.slice(slash))?.[0]
}
