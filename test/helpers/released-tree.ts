/** A tree of releases in which only what is told of them is there, and no package. */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Release } from '../../scripts/releasing/types.js'

export interface TreeFacts {
  /** Of `stable/2.0`; newest first. */
  readonly releases: readonly Partial<Release>[]
  /** Subjects by version, newest first. */
  readonly changes: Readonly<Record<string, string>>
}

export async function writeReleasedTree(treeDir: string, { releases, changes }: TreeFacts): Promise<void> {
  const dir = path.join(treeDir, 'stable/2.0')
  await mkdir(dir, { recursive: true })
  await writeFile(path.join(treeDir, 'tree.json'), JSON.stringify({ format: 1 }))
  await writeFile(path.join(dir, 'ChangeLog_2.0.txt'), rpmChanges(changes))
  await writeFile(path.join(dir, 'release.json'), JSON.stringify({ format: 1, releases: releases.map(released) }))
}

export function rpmChanges(changes: Readonly<Record<string, string>>): string {
  return Object.entries(changes)
    .map(
      ([version, subject]) => `* Wed Mar 04 2026 Jane Doe <jane@example.org> - ${version}\n    0123abcd: ${subject}\n`,
    )
    .join('\n')
}

function released(facts: Partial<Release>): Release {
  const none = { version: '2.0.0', release: '1', commit: 'a'.repeat(40), snapshot: 's', reasons: [], files: [] }
  return { ...none, notes: '', isSigned: false, promotedAt: '2026-03-04T23:30:00.000Z', ...facts }
}
