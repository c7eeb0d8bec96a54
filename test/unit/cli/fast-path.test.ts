import { expect, test } from '@jest/globals'
import { fastAnswer } from '../../../src/cli/fast-path.js'

test('--version alone is answered at once', () => {
  expect(fastAnswer(['--version'])).toMatch(/^lago \d+\.\d+\.\d+\S*\n$/)
})

test.each([[[]], [['status']], [['--version', 'status']], [['--help']]])('%j needs the program', (argv: string[]) => {
  expect(fastAnswer(argv)).toBeUndefined()
})
