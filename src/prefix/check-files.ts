/** What an init file names on this host must be there before anything is made: scripts and disks, all at once. */
import { stat } from 'node:fs/promises'
import { LagoError } from '../base/errors.js'
import type { EnvSpec } from '../spec/types.js'

interface NamedFile {
  /** `domains.vm0.disks[1].path` */
  readonly where: string
  readonly filePath: string
}

/** Throws `LAGO_SPEC_INVALID` with a line for every deploy script and disk file that is not there. */
export async function checkFiles(spec: EnvSpec, expand: (rawPath: string) => string): Promise<void> {
  const missing: NamedFile[] = []
  for (const named of namedFiles(spec, expand)) if (!(await isFile(named.filePath))) missing.push(named)
  if (missing.length === 0) return
  const lines = missing.map(({ where, filePath }) => `${where}: no file at ${filePath}`)
  throw new LagoError('LAGO_SPEC_INVALID', lines.join('\n'), {
    hint: "relative paths start where lago was called; $LAGO_INITFILE_PATH is the init file's directory",
    data: { missing },
  })
}

function namedFiles(spec: EnvSpec, expand: (rawPath: string) => string): NamedFile[] {
  return [...spec.domains.values()].flatMap((domain) => [
    ...domain.deployScripts.map((rawPath, index) => ({
      where: `domains.${domain.name}.metadata.deploy-scripts[${index}]`,
      filePath: expand(rawPath),
    })),
    ...domain.disks.flatMap((disk, index) =>
      disk.type === 'file' || disk.type === 'layered'
        ? [{ where: `domains.${domain.name}.disks[${index}].path`, filePath: expand(disk.rawPath) }]
        : [],
    ),
  ])
}

async function isFile(filePath: string): Promise<boolean> {
  return stat(filePath).then(
    (entry) => !entry.isDirectory(),
    () => false,
  )
}
