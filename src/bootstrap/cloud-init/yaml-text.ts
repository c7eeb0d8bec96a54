/** YAML out, for cloud-init's reader. */

/**
 * JSON, which is YAML as well: every text stands in quotes, so that none is taken for a date, an octal number or a truth
 * value, whatever version of YAML the reader knows. Ends with a line end.
 */
export function yamlText(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2).replace(UNREADABLE, escaped)}\n`
}

/** What JSON leaves as it is, and YAML 1.1 (section 5.1) takes for a line break or does not let pass. */
const UNREADABLE = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
}
