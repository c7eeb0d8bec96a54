/** Which files of the bundle are needed by `lago ovirt` alone: those of the package lago-ovirt. */
import type { Metafile } from 'esbuild'

/** Where `npm run build` leaves their names, which begin with `dist/`, as a list in JSON. */
export const OVIRT_FILES = 'build/ovirt-files.json'

/** Outputs that `sources` reach and `others` do not, sorted, with the licence texts that belong to them. */
export function outputsOfAlone(
  { outputs }: Pick<Metafile, 'outputs'>,
  { sources, others }: { readonly sources: readonly string[]; readonly others: readonly string[] },
): string[] {
  const ofOthers = reached(outputs, others)
  const alone = [...reached(outputs, sources)].filter((name) => !ofOthers.has(name))
  const texts = alone.map((name) => `${name}.LEGAL.txt`).filter((name) => name in outputs)
  return [...alone, ...texts].sort()
}

/** Throws for a source that is no entry: its output would be in no package. */
function reached(outputs: Metafile['outputs'], sources: readonly string[]): ReadonlySet<string> {
  const entries = sources.map((source) => {
    const found = Object.keys(outputs).find((name) => outputs[name]?.entryPoint === source)
    if (found === undefined) throw new Error(`${source} is no entry of the bundle`)
    return found
  })
  const seen = new Set(entries)
  for (const name of seen)
    for (const { path, external } of outputs[name]?.imports ?? []) if (external !== true) seen.add(path)
  return seen
}
