/** Tables as functions for bash and for zsh, which write these in the same way. */
import type { CompletionModel } from './model.js'
import { OPTION_LISTS, optionTables, VERB_LISTS, verbTables, type Table } from './tables.js'

/** `_lago_define VERB` and `_lago_verbs FAMILY` set the variables of a table; they fail where there is none. */
export function zshTables(model: CompletionModel): string {
  return [
    ...defining('_lago_define', OPTION_LISTS, optionTables(model)),
    ...defining('_lago_verbs', VERB_LISTS, verbTables(model)),
  ].join('\n')
}

/** bash shows no help beside a word. */
export function bashTables(model: CompletionModel): string {
  return [
    ...defining('_lago_define', OPTION_LISTS.filter(isNoHelp), optionTables(model)),
    ...defining('_lago_verbs', VERB_LISTS.filter(isNoHelp), verbTables(model)),
  ].join('\n')
}

function isNoHelp(variable: string): boolean {
  return variable !== 'helps'
}

function defining(name: string, variables: readonly string[], tables: readonly Table[]): readonly string[] {
  const cases = tables.flatMap(({ key, lists }) => [
    `    ${quoted(key)})`,
    ...Object.entries(lists).flatMap(([variable, items]) =>
      variables.includes(variable) ? [`        ${variable}=(${items.map(quoted).join(' ')})`] : [],
    ),
    '        ;;',
  ])
  const empty = variables.map((variable) => `${variable}=()`).join(' ')
  return [`${name}() {`, `    ${empty}`, '    case $1 in', ...cases, '    *) return 1 ;;', '    esac', '}', '']
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
