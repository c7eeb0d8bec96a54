/** A template as it is named on the command line: `NAME`, `NAME:VERSION`, or as the store has it, `REPO:NAME:VERSION`. */
import { LagoError } from '../base/errors.js'
import type { TemplateRef } from './types.js'

export interface TemplateName {
  readonly repo: string | undefined
  readonly template: string
  readonly version: string | undefined
}

/** Throws `LAGO_USAGE`. */
export function parseTemplateName(text: string): TemplateName {
  const parts = text.split(':')
  const [first, second, third] = parts
  if (parts.length > 3 || parts.includes('') || first === undefined)
    throw new LagoError('LAGO_USAGE', `${JSON.stringify(text)} is not the name of a template`, {
      hint: 'NAME, NAME:VERSION or REPOSITORY:NAME:VERSION, as lago template list shows them',
    })
  if (third !== undefined) return { repo: first, template: second ?? '', version: third }
  return { repo: undefined, template: first, version: second }
}

export function isNamed({ repo, template, version }: TemplateName, ref: TemplateRef): boolean {
  return (
    ref.name === template &&
    (repo === undefined || ref.repo === repo) &&
    (version === undefined || ref.version === version)
  )
}
