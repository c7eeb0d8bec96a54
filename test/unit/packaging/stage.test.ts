import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { layOutCommit } from '../../../scripts/packaging/stage.js'
import { makeGitProject } from '../../helpers/git-project.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

test.each(['## Unreleased', '## [Unreleased]', '## UNRELEASED', '##  Unreleased  '])(
  'what stands under "%s", which a snapshot takes, is under the version in packages',
  async (heading) => {
    const dir = await makeTempDir()
    const workDir = path.join(dir, 'work')
    await mkdir(workDir)
    const project = await makeGitProject(path.join(dir, 'project'))
    for (const name of ['package.json', 'package-lock.json']) await writeFile(path.join(project.dir, name), '{}')
    await writeFile(
      path.join(project.dir, 'CHANGELOG.md'),
      `# Changelog\n\n${heading}\n\n- a: one\n\n## 2.0.1 - 2026-01-01\n`,
    )
    project.git('add', '.')
    project.commit('a package')
    const stage = await layOutCommit(recordedTask().task, {
      ...{ workDir, projectDir: project.dir, version: '2.0.2', release: '1', changelog: '', changelogOfRpm: '' },
      commit: { hash: project.git('rev-parse', 'HEAD').trim(), committedAtMs: Date.parse('2026-01-02T03:04:05Z') },
    })
    expect(await readFile(path.join(stage.dir, 'CHANGELOG.md'), 'utf8')).toBe(
      '# Changelog\n\n## 2.0.2 - 2026-01-02\n\n- a: one\n\n## 2.0.1 - 2026-01-01\n',
    )
  },
)
