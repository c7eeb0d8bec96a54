/**
 * How modules of a scenario are found and read: TypeScript becomes JavaScript, without being checked, in the same way under
 * every version of Node; `lago` and what belongs to it is found also where it is not installed beside the scenario.
 */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import path from 'node:path'
import type * as Typescript from 'typescript'
import { packageDir } from '../../base/package-dir.js'

interface ResolveContext {
  readonly parentURL?: string | undefined
}

interface Resolved {
  readonly url: string
  readonly format?: string | null | undefined
  readonly shortCircuit?: boolean | undefined
}

interface Loaded {
  readonly format?: string | null | undefined
  readonly source?: unknown
  readonly shortCircuit?: boolean | undefined
}

type MaybePromise<T> = T | Promise<T>

export function resolve(
  specifier: string,
  context: ResolveContext,
  next: (specifier: string, context: ResolveContext) => MaybePromise<Resolved>,
): MaybePromise<Resolved> {
  const source = typescriptBeside(specifier, context.parentURL)
  if (source !== undefined) return { url: source, format: 'module', shortCircuit: true }
  if (!/^lago(\/|$)/.test(specifier)) return next(specifier, context)
  const own = { ...context, parentURL: pathToFileURL(path.join(packageDir(), 'package.json')).href }
  return attempt(
    () => next(specifier, context),
    () => next(specifier, own),
  )
}

export function load(
  url: string,
  context: object,
  next: (url: string, context: object) => MaybePromise<Loaded>,
): MaybePromise<Loaded> {
  if (!isTypescript(url)) return next(url, context)
  const file = fileURLToPath(url)
  return { format: 'module', source: toJavascript(file, readFileSync(file, 'utf8')), shortCircuit: true }
}

/** In TypeScript's own manner `./helper.js` may be written for `./helper.ts`. */
function typescriptBeside(specifier: string, parentURL: string | undefined): string | undefined {
  if (parentURL === undefined || !isTypescript(parentURL) || !/^\.{1,2}\/.*\.m?js$/.test(specifier)) return undefined
  const url = new URL(specifier, parentURL)
  const source = new URL(url.href.replace(/js$/, 'ts'))
  return !existsSync(url) && existsSync(source) ? source.href : undefined
}

function isTypescript(url: string): boolean {
  return url.startsWith('file:') && /\.m?ts$/.test(url) && !url.includes('/node_modules/')
}

function attempt<T>(first: () => MaybePromise<T>, second: () => MaybePromise<T>): MaybePromise<T> {
  const otherwise = (error: unknown): MaybePromise<T> => {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    return second()
  }
  try {
    const answer = first()
    return answer instanceof Promise ? answer.catch(otherwise) : answer
  } catch (error) {
    return otherwise(error)
  }
}

let typescript: typeof Typescript | undefined

function toJavascript(fileName: string, source: string): string {
  typescript ??= createRequire(import.meta.url)('typescript') as typeof Typescript
  const { ModuleKind, ScriptTarget, transpileModule, formatDiagnostic } = typescript
  const { outputText, diagnostics = [] } = transpileModule(source, {
    fileName,
    reportDiagnostics: true,
    compilerOptions: {
      module: ModuleKind.ESNext,
      target: ScriptTarget.ES2022, // Node 20 does not know of `using`
      inlineSourceMap: true,
      inlineSources: true,
    },
  })
  const [first] = diagnostics
  if (first === undefined) return outputText
  const host = { getCurrentDirectory: () => '/', getCanonicalFileName: (name: string) => name, getNewLine: () => '\n' }
  throw new SyntaxError(formatDiagnostic(first, host).trim())
}
