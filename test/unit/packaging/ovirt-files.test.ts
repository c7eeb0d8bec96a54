import { expect, test } from '@jest/globals'
import { outputsOfAlone } from '../../../scripts/packaging/ovirt-files.js'

type Outputs = Parameters<typeof outputsOfAlone>[0]['outputs']

function output(imports: readonly string[], entryPoint?: string): Outputs[string] {
  return {
    imports: imports.map((path) => ({ path, kind: 'import-statement', external: path.startsWith('node:') })),
    exports: [],
    inputs: {},
    bytes: 0,
    ...(entryPoint === undefined ? {} : { entryPoint }),
  }
}

const OUTPUTS: Outputs = {
  'dist/main.js': output(['dist/shared.js', 'node:fs'], 'src/main.ts'),
  'dist/plugin.js': output(['dist/shared.js', 'dist/deploy.js'], 'src/plugin.ts'),
  'dist/deploy.js': output(['dist/xml.js', 'dist/main.js'], 'src/deploy.ts'),
  'dist/xml.js': output(['dist/plugin.js']),
  'dist/xml.js.LEGAL.txt': output([]),
  'dist/shared.js': output([]),
  'dist/shared.js.LEGAL.txt': output([]),
}

test('what two entries share belongs to neither alone; licence texts go with their files', () => {
  const found = outputsOfAlone({ outputs: OUTPUTS }, { sources: ['src/plugin.ts'], others: ['src/main.ts'] })
  expect(found).toEqual(['dist/deploy.js', 'dist/plugin.js', 'dist/xml.js', 'dist/xml.js.LEGAL.txt'])
})

test('an entry that is none any more is told of', () => {
  const find = (): unknown => outputsOfAlone({ outputs: OUTPUTS }, { sources: ['src/gone.ts'], others: [] })
  expect(find).toThrow('src/gone.ts is no entry of the bundle')
})
