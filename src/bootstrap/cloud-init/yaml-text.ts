/** YAML out, for cloud-init's reader, and for guests that look for keys at the beginning of a line. */

/**
 * A mapping, a key to a line, with values in JSON, which is YAML as well: every text stands in quotes, so that none is
 * taken for a date, an octal number or a truth value, whatever version of YAML the reader knows. Ends with a line end.
 */
export function yamlText(mapping: Readonly<Record<string, unknown>>): string {
  return Object.entries(mapping)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${keyText(key)}: ${flowText(value)}\n`)
    .join('')
}

function keyText(key: string): string {
  return PLAIN_KEY.test(key) && !WORD_OF_YAML.test(key) ? key : flowText(key)
}

const PLAIN_KEY = /^[A-Za-z][A-Za-z0-9_-]*$/
/** They mean a truth value or nothing to YAML 1.1. */
const WORD_OF_YAML = /^(?:y|n|yes|no|on|off|true|false|null)$/i

/** On one line, with a space behind each colon: line breaks inside of texts are escapes. */
function flowText(value: unknown): string {
  return JSON.stringify(value, undefined, 1).replace(/\n */g, '').replace(UNREADABLE, escaped)
}

/** What JSON leaves as it is, and YAML 1.1 (section 5.1) takes for a line break or does not let pass. */
const UNREADABLE = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
}
