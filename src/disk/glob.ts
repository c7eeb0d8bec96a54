/** File name patterns as a shell has them: `*`, `?`, `[abc]`, `[!a-z]`; each within one part of a path. */

export function hasGlob(pattern: string): boolean {
  return /[*?[]/.test(pattern)
}

/** A name that begins with a dot is met by a dot only. */
export function globMatcher(pattern: string): (name: string) => boolean {
  const expression = new RegExp(`^${translate(pattern)}$`, 'su')
  return (name) => (!name.startsWith('.') || pattern.startsWith('.')) && expression.test(name)
}

function translate(pattern: string): string {
  return pattern.replace(/\[([!^]?)(\]?[^\]]*)\]|\*+|[^]/gu, (token, not?: string, members?: string) => {
    if (members !== undefined && members !== '') return `[${not === '' ? '' : '^'}${bracketMembers(members)}]`
    if (token.startsWith('*')) return '.*'
    return token === '?' ? '.' : escape(token)
  })
}

/** A range that runs backwards has no members, in a shell; here its ends stand for themselves. */
function bracketMembers(members: string): string {
  return members.replace(/(.)-(.)|[^]/gsu, (token, from?: string, to?: string) => {
    if (from === undefined || to === undefined) return escape(token)
    return from <= to ? `${escape(from)}-${escape(to)}` : `${escape(from)}\\-${escape(to)}`
  })
}

/** As a number, which every place of an expression takes. */
function escape(text: string): string {
  return text.replace(/\W/gu, (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`)
}
