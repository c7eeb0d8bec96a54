import { mkdir, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, expect, test } from '@jest/globals'
import type { CommandContext } from '../../../src/cli/command.js'
import { init } from '../../../src/cli/commands/init.js'
import { initPlaces } from '../../../src/cli/init-places.js'
import { parsedArgs } from '../../../src/cli/parsed-args.js'
import { loadConfig } from '../../../src/config/load.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
let cwd: string

beforeEach(async () => {
  cwd = await makeTempDir()
  await mkdir(path.join(cwd, 'workdir/default'), { recursive: true })
  await symlink('default', path.join(cwd, 'workdir/current'))
  await writeFile(path.join(cwd, 'init.json'), '\uFEFF \n\t{"domains": {}}')
  await writeFile(path.join(cwd, 'init.yaml'), '# a comment\n{"domains": {}}')
})

interface Call {
  readonly program?: 'lago' | 'lagocli'
  readonly env?: Readonly<Record<string, string>>
  readonly globals?: Readonly<Record<string, string>>
  readonly setCurrent?: boolean
}

/** What is made where, and what is told of it at debug level; paths without `cwd`. */
async function placesOf(words: readonly string[], call: Call = {}): Promise<Record<string, unknown>> {
  const { program = 'lagocli', env = {}, globals = {}, setCurrent = false } = call
  const flags = new Map([['lago', new Map(Object.entries(globals))]])
  const { config } = loadConfig({ env, homeDir: cwd, cwd, etcDir: cwd, flags })
  const args = parsedArgs(init, words, setCurrent ? { set_current: 'true' } : {})
  const { task, messages } = recordedTask()
  const found = await initPlaces({ task, config, cwd, args, program } as unknown as CommandContext) // no more is asked
  const relative = (text: string): string => text.replace(`${cwd}/`, '')
  const { place } = found
  const [told = ''] = messages('debug')
  return {
    dir: relative(place.era === '0.x' ? place.prefixDir : place.workdir),
    initFile: relative(found.initFilePath),
    told: relative(told),
  }
}

const two = ['p', 'init.json']
const prefix = { dir: 'p', initFile: 'init.json' }

test('two words of lagocli, with JSON, are the prefix itself and the init file', async () => {
  const told = 'era 0.x: p is the prefix itself (called as lagocli, with a new directory and JSON)'
  expect(await placesOf(two)).toEqual({ ...prefix, told })
})

test.each<readonly [string, readonly string[], Call, string]>([
  ['the name lago', two, { program: 'lago' }, 'p is the workdir (called as lago)'],
  ['one word', ['init.json'], {}, '.lago is the workdir (one word or none names the init file)'],
  ['no word', [], {}, '.lago is the workdir (one word or none names the init file)'],
  ['YAML', ['p', 'init.yaml'], {}, 'p is the workdir (the init file is not JSON)'],
  ['a file that is not there', ['p', 'none'], {}, 'p is the workdir (the init file is not JSON)'],
  ['a prefix name', two, { globals: { prefix_name: 'x' } }, 'p is the workdir (there is a prefix_name)'],
  ['a workdir', two, { env: { LAGO_WORKDIR_PATH: 'w' } }, 'p is the workdir (there is a workdir_path)'],
  ['--set-current', two, { setCurrent: true }, 'p is the workdir (--set-current is for workdirs)'],
  ['a workdir that is there', ['workdir', 'init.json'], {}, 'workdir is the workdir (it is one already)'],
  ['the configuration', two, { env: { LAGO_ERA: '1.x' } }, 'p is the workdir (era = 1.x, env:LAGO_ERA)'],
])('%s speaks for era 1.x', async (_, words, call, told) => {
  expect(await placesOf(words, call)).toMatchObject({ told: `era 1.x: ${told}` })
})

test('the configuration decides for 0.x over all else', async () => {
  const call: Call = { program: 'lago', env: { LAGO_ERA: '0.x' }, globals: { prefix_name: 'x' }, setCurrent: true }
  expect(await placesOf(['workdir', 'init.yaml'], call)).toEqual({
    dir: 'workdir',
    initFile: 'init.yaml',
    told: 'era 0.x: workdir is the prefix itself (era = 0.x, env:LAGO_ERA)',
  })
  await expect(placesOf(['init.json'], call)).rejects.toMatchObject({
    code: 'LAGO_USAGE',
    message: 'in era 0.x init takes two words: the prefix and the init file',
  })
})

test('a word for the era that is none is refused', async () => {
  await expect(placesOf(two, { env: { LAGO_ERA: '0.5' } })).rejects.toMatchObject({
    code: 'LAGO_USAGE',
    message: 'bad value "0.5" for era (env:LAGO_ERA): expected one of auto, 0.x, 1.x',
  })
})
