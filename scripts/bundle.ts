/**
 * Bundles the program and the library into dist/: thin entries, the rest in chunks that a verb loads when it needs them, so that
 * start-up does not pay for what is not used. koffi stays outside: its binary is found relative to its own package.
 */
import { build } from 'esbuild'
import { rm, writeFile } from 'node:fs/promises'
import { createTask } from '../src/base/task.js'
import { describeError } from '../src/cli/errors.js'
import { exitCodeOf } from '../src/cli/exit-code.js'
import { createTerminal } from '../src/cli/render/terminal.js'
import { writeDeclarations } from './declarations.js'
import { OVIRT_FILES, outputsOfAlone } from './packaging/ovirt-files.js'
import { writeUserFiles } from './packaging/user-files.js'
import { sourceDate } from './source-date.js'
import { projectVersion } from './versioning/project-version.js'

const { version, date } = await editionOfBuild()
await writeFile('build/version.json', `${JSON.stringify({ version })}\n`) // for what runs unbundled

const programs = {
  main: 'src/main.ts',
  worker: 'src/libvirt/worker.ts',
  'event-worker': 'src/libvirt/event-worker.ts',
  guard: 'src/fixtures/guard.ts',
}

/** What users import, by its name in "exports" of package.json. One `LagoError` for them, for plugins and for the program. */
const library = {
  index: 'src/index.ts',
  jest: 'src/fixtures/jest.ts',
  vitest: 'src/fixtures/vitest.ts',
  'node-test': 'src/fixtures/node-test.ts',
  ovirt: 'src/plugins/ovirt/testlib.ts',
}

/** What is needed for `lago ovirt` alone: src/main.ts looks for the plugin's file, a distribution has a package for all. */
const ovirtAlone = {
  'ovirt-plugin': 'src/plugins/ovirt/plugin.ts',
  'scenario-preload': 'src/scenario/node/preload.ts',
  'scenario-hooks': 'src/scenario/node/hooks.ts',
  'scenario-reporter': 'src/scenario/node/reporter.ts',
}

await rm('dist', { recursive: true, force: true })
const { metafile } = await build({
  entryPoints: {
    ...programs,
    ...ovirtAlone,
    ...library,
  },
  metafile: true,
  outdir: 'dist',
  chunkNames: '[name]-[hash]', // flat: workers and the guard are found beside the chunk that starts them
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  external: ['koffi', 'vitest', '@jest/globals', 'typescript'],
  minifySyntax: true,
  legalComments: 'linked',
  define: { LAGO_BUNDLED_VERSION: JSON.stringify(version) },
  banner: {
    // CommonJS packages inside an ESM bundle still call require() for Node's own modules
    js: "import { createRequire as lagoCreateRequire } from 'node:module'; const require = lagoCreateRequire(import.meta.url);",
  },
  logLevel: 'warning',
})
const { ovirt, ...others } = library
const ovirtFiles = outputsOfAlone(metafile, {
  sources: [...Object.values(ovirtAlone), ovirt],
  others: [...Object.values(programs), ...Object.values(others)],
})
await writeFile(OVIRT_FILES, JSON.stringify(ovirtFiles))
await writeDeclarations(Object.values(library), 'src', 'dist/types')
await writeUserFiles('dist', date === undefined ? { version } : { version, date: date.toISOString().slice(0, 10) })

/** Ends the process where it is none, before anything is touched. */
async function editionOfBuild(): Promise<{ readonly version: string; readonly date: Date | undefined }> {
  const sink = createTerminal({
    write: (text) => void process.stderr.write(text),
    color: false,
    level: 'warning',
    depth: 0,
  })
  try {
    const date = sourceDate(process.env)
    return { version: await projectVersion(createTask(sink), process.cwd(), process.env), date }
  } catch (error) {
    process.stderr.write(describeError(error, { debug: false }))
    process.exit(exitCodeOf(error))
  } finally {
    await sink.close()
  }
}
