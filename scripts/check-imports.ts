/**
 * Holds the table of docs/architecture.md, "Rooms": which room may import which, and where a third-party package
 * may be used. Prints every breach with the file, the line and the rule, and exits with 1.
 */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import ts from 'typescript'

/** A room may import rooms of lower rank only; rooms of one rank do not know each other. */
const RANKS: Readonly<Record<string, number>> = {
  base: 0,
  config: 1,
  spec: 1,
  libvirt: 1,
  disk: 1,
  log: 1,
  plan: 2,
  lease: 2,
  register: 2,
  store: 2,
  guest: 2,
  net: 3,
  vm: 3,
  bootstrap: 4,
  doctor: 4,
  workdir: 5,
  prefix: 5,
  plugin: 6,
  sdk: 7,
  index: 8,
  plugins: 9,
  cli: 10,
  fixtures: 10,
  rpm: 3,
  engine: 1,
  scenario: 1,
  main: 11,
}

/** Where each third-party package stays. Node's own modules are free for all. */
const FENCES: Readonly<Record<string, readonly string[]>> = {
  koffi: ['src/libvirt/', 'src/base/lock.ts'],
  yargs: ['src/cli/help.ts'],
  'yargs-parser': ['src/cli/parse.ts'],
  zod: ['src/spec/', 'src/config/'],
  'js-yaml': ['src/spec/', 'src/cli/output/', 'src/bootstrap/cloud-init/', 'src/plugins/ovirt/cpu-families.ts'],
  yaml: ['src/spec/'],
  winston: ['src/log/'],
  'fast-xml-parser': ['src/vm/libvirt/', 'src/disk/ova.ts', 'src/engine/answer.ts', 'src/scenario/junit.ts'],
  'fs-extra': ['src/'],
  got: ['src/store/download/'],
  'http-proxy-agent': ['src/store/download/'],
  'https-proxy-agent': ['src/store/download/'],
  send: ['src/plugins/ovirt/file-server.ts'],
  tar: ['src/disk/ext4/tar.ts', 'src/disk/ova.ts'],
  sax: ['src/rpm/xml-reader.ts'],
  '@jest/globals': ['src/fixtures/jest.ts'],
  vitest: ['src/fixtures/vitest.ts'],
  typescript: ['src/scenario/node/hooks.ts'],
}

/** Plugins that come with Lago live by the public API, as those of others do; beside it only rooms that know no environment. */
const PLUGINS_MAY_IMPORT: readonly string[] = ['index', 'base', 'rpm', 'engine', 'scenario', 'vm']

const RANK_RULE = 'see RANKS in scripts/check-imports.ts'
const FENCE_RULE = 'see FENCES in scripts/check-imports.ts'

const breaches = (await Promise.all(sourceFiles('src').map(breachesOf))).flat()
for (const breach of breaches) console.error(breach)
if (breaches.length > 0) process.exitCode = 1

function sourceFiles(dir: string): string[] {
  return ts.sys.readDirectory(dir, ['.ts']).map((file) => path.relative('.', file))
}

async function breachesOf(file: string): Promise<string[]> {
  const source = ts.createSourceFile(file, await readFile(file, 'utf8'), ts.ScriptTarget.Latest, true)
  return importsOf(source).flatMap(({ specifier, line }) => {
    const breach = specifier.startsWith('.') ? roomBreach(file, specifier) : packageBreach(file, specifier)
    return breach === undefined ? [] : [`${file}:${line}: ${breach}`]
  })
}

function importsOf(source: ts.SourceFile): { specifier: string; line: number }[] {
  const found: { specifier: string; line: number }[] = []
  const visit = (node: ts.Node): void => {
    const named = ts.isImportDeclaration(node) || ts.isExportDeclaration(node) ? node.moduleSpecifier : undefined
    const dynamic =
      ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword ? node.arguments[0] : undefined
    const target = named ?? dynamic
    if (target !== undefined && ts.isStringLiteral(target))
      found.push({ specifier: target.text, line: source.getLineAndCharacterOfPosition(target.pos).line + 1 })
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

function roomBreach(file: string, specifier: string): string | undefined {
  const from = roomOf(file)
  const to = roomOf(path.join(path.dirname(file), specifier))
  if (from === to) return undefined
  const [fromRank, toRank] = [RANKS[from], RANKS[to]]
  if (fromRank === undefined || toRank === undefined) return `${from} or ${to} has no rank: ${RANK_RULE}`
  if (from === 'plugins' && !PLUGINS_MAY_IMPORT.includes(to)) return `plugins import ${to}, and may not: ${RANK_RULE}`
  return toRank < fromRank ? undefined : `${from} (rank ${fromRank}) imports ${to} (rank ${toRank}): ${RANK_RULE}`
}

/** `src/vm/libvirt/cpu.ts` stands in `vm`; a file directly in src/ is its own room. */
function roomOf(file: string): string {
  const [, room = ''] = file.split(path.sep)
  return room.replace(/\.[jt]s$/, '')
}

function packageBreach(file: string, specifier: string): string | undefined {
  if (specifier.startsWith('node:')) return undefined
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
  const fence = FENCES[name]
  if (fence === undefined) return `package ${name} has no fence: ${FENCE_RULE}`
  return fence.some((place) => file.startsWith(place))
    ? undefined
    : `package ${name} may not be used here: ${FENCE_RULE}`
}
