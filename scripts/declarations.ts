/**
 * The types of the public API for those who install the package: a declaration file for every source file that the
 * entries need, and no other. A file at a time, without checking types: `tsc` has done that.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import ts from 'typescript'

/** `entries` are below `sourceDir`; the files keep their places below `outDir`. Throws for a type that is not spelt out. */
export async function writeDeclarations(entries: readonly string[], sourceDir: string, outDir: string): Promise<void> {
  const waiting = entries.map((entry) => path.normalize(entry))
  const known = new Set(waiting)
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    const text = declarationOf(file, await readFile(file, 'utf8'))
    const outPath = path.join(outDir, path.relative(sourceDir, file).replace(/\.ts$/, '.d.ts'))
    await mkdir(path.dirname(outPath), { recursive: true })
    await writeFile(outPath, text)
    for (const needed of importsOf(file, text))
      if (!known.has(needed)) {
        known.add(needed)
        waiting.push(needed)
      }
  }
}

function declarationOf(file: string, source: string): string {
  const compilerOptions = { target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true, stripInternal: true }
  const { outputText, diagnostics = [] } = ts.transpileDeclaration(source, { fileName: file, compilerOptions })
  const [first] = diagnostics
  if (first !== undefined) throw new Error(`${file}: ${ts.flattenDiagnosticMessageText(first.messageText, '\n')}`)
  return outputText
}

function importsOf(file: string, declaration: string): string[] {
  return ts
    .preProcessFile(declaration)
    .importedFiles.filter(({ fileName }) => fileName.startsWith('.'))
    .map(({ fileName }) => path.join(path.dirname(file), fileName.replace(/\.js$/, '.ts')))
}
