/** SECURITY.md promises nothing that no test holds. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const text = await readFile(path.join(ROOT, 'SECURITY.md'), 'utf8')

/** The statements of all sections but the first and the last, which say what is not held off, with the lines below. */
function statements(): { statement: string; proofs: readonly string[] }[] {
  const found: { statement: string; proofs: string[] }[] = []
  const held = text.slice(text.indexOf('does not mean that values are'), text.indexOf('## What is not held off'))
  for (const line of held.split('\n')) {
    if (line.startsWith('- ')) found.push({ statement: line, proofs: [] })
    else if (line.startsWith('  - ')) found.at(-1)?.proofs.push(line.slice('  - '.length))
  }
  return found
}

test('each statement names a test', () => {
  expect(statements().length).toBeGreaterThan(20)
  expect(statements().filter(({ proofs }) => proofs.length === 0)).toEqual([])
})

test.each(statements().flatMap(({ proofs }) => proofs.map((proof) => [proof])))('there is %s', async (proof) => {
  const [, file = '', title = ''] = /^(\S+): `(.+)`$/.exec(proof) ?? []
  const source = await readFile(path.join(ROOT, 'test', file), 'utf8')
  const written = [`'${title}'`, `"${title}"`, `\`${title}\``]
  expect(written.filter((name) => source.includes(name)).length).toBeGreaterThan(0)
})
