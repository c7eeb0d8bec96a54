/**
 * Bundles the program into dist/: one thin entry, the rest in chunks that a verb loads when it needs them, so that
 * start-up does not pay for what is not used. koffi stays outside: its binary is found relative to its own package.
 */
import { build } from 'esbuild'
import { readFile, rm } from 'node:fs/promises'

const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string } // our own file

await rm('dist', { recursive: true, force: true })
await build({
  entryPoints: { main: 'src/main.ts', worker: 'src/libvirt/worker.ts' },
  outdir: 'dist',
  chunkNames: '[name]-[hash]', // flat: connection.ts finds worker.js beside its own chunk
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  external: ['koffi'],
  minifySyntax: true,
  legalComments: 'linked',
  define: { LAGO_BUNDLED_VERSION: JSON.stringify(version) },
  banner: {
    // CommonJS packages inside an ESM bundle still call require() for Node's own modules
    js: "import { createRequire as lagoCreateRequire } from 'node:module'; const require = lagoCreateRequire(import.meta.url);",
  },
  logLevel: 'warning',
})
