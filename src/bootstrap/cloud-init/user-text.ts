/** `user-data` that was given as a text: a cloud-config is read, anything else is cloud-init's own matter. */
import {
  boolYaml11Tag,
  CORE_SCHEMA,
  defineScalarTag,
  floatYaml11Tag,
  intYaml11Tag,
  load,
  mergeTag,
  NOT_RESOLVED,
  YAMLException,
} from 'js-yaml'
import { LagoError } from '../../base/errors.js'
import { plainLine } from '../../base/plain-text.js'
import { copyPlainData } from '../../spec/plain-data.js'
import { isMapping, type CloudConfig } from './merge.js'

/** As cloud-init tells it: by how the text begins, in any case; two of its other formats begin alike. */
export function isCloudConfig(text: string): boolean {
  return /^\s*#cloud-config(?!-archive|-jsonp)/i.test(text)
}

/**
 * The text's mapping; a text with nothing but comments is an empty one. Throws `LAGO_USER_DATA` with the line for what
 * is no YAML, has a key twice, or is no mapping; nothing of the text is shown, as there may be passwords in it.
 */
export function parseCloudConfig(vm: string, text: string): CloudConfig {
  const value = readYaml(vm, text)
  if (value === undefined || value === null) return {}
  if (!isMapping(value)) throw unusable(vm, 'it is no mapping')
  const { value: copy, findings } = copyPlainData(value)
  const [finding] = findings
  if (finding !== undefined) throw unusable(vm, `${finding.path.join('.')} ${finding.message}`.trim())
  return copy as CloudConfig // a copy of a mapping
}

function readYaml(vm: string, text: string): unknown {
  try {
    return load(text, { schema: PYYAML })
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error
    if (/input is empty/.test(error.reason)) return undefined
    const line = error.mark === undefined ? '' : `line ${error.mark.line + 1}: `
    throw unusable(vm, `${line}${plainLine(error.reason)}`, error)
  }
}

/** YAML 1.1 as cloud-init's reader knows it: `0644` is octal, `yes` is true, but `y` is a text. Dates stay texts. */
const PYYAML = CORE_SCHEMA.withTags(
  mergeTag,
  intYaml11Tag,
  floatYaml11Tag,
  defineScalarTag(boolYaml11Tag.tagName, {
    ...boolYaml11Tag,
    resolve: (source, ...rest) => (/^[yn]$/i.test(source) ? NOT_RESOLVED : boolYaml11Tag.resolve(source, ...rest)),
  }),
)

function unusable(vm: string, why: string, cause?: unknown): LagoError {
  return new LagoError('LAGO_USER_DATA', `the user-data of ${vm} cannot be used as a cloud-config: ${why}`, {
    hint: 'mend user-data in the init file; cloud-init schema -c FILE tells more',
    data: { vm, why },
    cause,
  })
}
