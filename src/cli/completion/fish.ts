/** Tables as functions for fish. */
import type { CompletionModel } from './model.js'
import { OPTION_LISTS, optionTables, VERB_LISTS, verbTables, type Table } from './tables.js'

/** `__lago_define VERB` and `__lago_verbs FAMILY` set the variables of a table, `__lago_` before them; they fail where there is none. */
export function fishTables(model: CompletionModel): string {
  return [
    ...defining('__lago_define', OPTION_LISTS, optionTables(model)),
    ...defining('__lago_verbs', VERB_LISTS, verbTables(model)),
  ].join('\n')
}

function defining(name: string, variables: readonly string[], tables: readonly Table[]): readonly string[] {
  const cases = tables.flatMap(({ key, lists }) => [
    `        case ${quoted(key)}`,
    ...Object.entries(lists).map(([variable, items]) => `            ${setting(variable, items)}`),
  ])
  return [
    `function ${name}`,
    ...variables.map((variable) => `    ${setting(variable, [])}`),
    '    switch "$argv[1]"',
    ...cases,
    "        case '*'",
    '            return 1',
    '    end',
    'end',
    '',
  ]
}

/** Global, because a function of fish sees no variables of its caller. */
function setting(variable: string, items: readonly string[]): string {
  return ['set -g', `__lago_${variable}`, ...items.map(quoted)].join(' ')
}

function quoted(text: string): string {
  return `'${text.replace(/['\\]/g, '\\$&')}'`
}
