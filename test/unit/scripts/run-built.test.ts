/** The launchers' way to a program that is built, in a project whose npm is a stand-in that says what it was asked for. */
import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from '@jest/globals'
import { useTempDirs } from '../../helpers/temp-dir.js'

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
const run = promisify(execFile)
const makeTempDir = useTempDirs()

const LAUNCHERS = ['version_manager', 'version_manager.py', 'packages', 'release']

/** Nothing is built there yet. Each launcher's program prints its arguments. */
async function makeProject(npmCi: string): Promise<string> {
  const dir = path.join(await makeTempDir(), 'a project')
  await mkdir(path.join(dir, 'scripts'), { recursive: true })
  await mkdir(path.join(dir, 'src'))
  await mkdir(path.join(dir, 'bin'))
  for (const name of ['setup', ...LAUNCHERS])
    await cp(path.join(ROOT, 'scripts', name), path.join(dir, 'scripts', name), { recursive: true })
  await writeFile(path.join(dir, 'package-lock.json'), '{}')
  const npm = path.join(dir, 'bin/npm')
  await writeFile(
    npm,
    `#!/bin/bash
echo "$1" >> npm-calls
case $* in
'ci --loglevel=error')
    mkdir -p node_modules
    ${npmCi}
    touch node_modules/.package-lock.json
    ;;
'run --silent build')
    for program in versioning/version-manager packaging/packages releasing/release; do
        mkdir -p "$(dirname build/scripts/$program)"
        echo 'console.log(process.argv.slice(2).join())' > build/scripts/$program.js
    done
    [[ -e build/.tsbuildinfo ]] || touch build/.tsbuildinfo
    touch build/version.json
    ;;
*) exit 99 ;;
esac
`,
  )
  await chmod(npm, 0o755)
  return dir
}

async function launch(dir: string, launcher: string): Promise<string> {
  const env = { ...process.env, PATH: `${dir}/bin:${process.env['PATH'] ?? ''}` }
  return (await run(launcher, ['a', 'b'], { env, cwd: '/' })).stdout
}

test('launchers that are called at once fetch and build once', async () => {
  const dir = await makeProject('for ((i = 0; i < 10; i++)); do node --version; done') // longer than others look
  const launcher = path.join(dir, 'scripts/version_manager')
  expect(await Promise.all([1, 2, 3].map(async () => launch(dir, launcher)))).toEqual(['a,b\n', 'a,b\n', 'a,b\n'])
  expect(await readFile(path.join(dir, 'npm-calls'), 'utf8')).toBe('ci\nrun\n')
})

test('launchers work by links to them', async () => {
  const dir = await makeProject('true')
  await mkdir(path.join(dir, 'links'))
  for (const name of LAUNCHERS) {
    const link = path.join(dir, 'links', name)
    await symlink(path.join('../scripts', name), link)
    expect([name, await launch(dir, link)]).toEqual([name, 'a,b\n'])
  }
  expect((await run('python3', [path.join(dir, 'links/version_manager.py'), 'c'])).stdout).toBe('c\n')
})

test('who may not write into a project that has to be built is told so', async () => {
  const dir = await makeProject('true')
  await chmod(path.dirname(dir), 0o755)
  await chmod(dir, 0o555)
  // root may write everywhere
  const asNobody = ['--reuid=65534', '--regid=65534', '--clear-groups']
  const argv = process.getuid?.() === 0 ? ['setpriv', ...asNobody, 'bash'] : ['env', 'bash']
  const launcher = path.join(dir, 'scripts/release')
  await expect(run(argv[0] ?? '', [...argv.slice(1), launcher])).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/a project has to be built, and \S+ may not write there\n {2}have it built by/),
  })
  await chmod(dir, 0o755)
})

test('a source that is newer than what tsc has left is built once', async () => {
  const dir = await makeProject('true')
  const launcher = path.join(dir, 'scripts/release')
  await launch(dir, launcher)
  await utimes(path.join(dir, 'build/.tsbuildinfo'), 1, 1) // as after a build that came to the same
  await writeFile(path.join(dir, 'src/new.ts'), '')
  await utimes(path.join(dir, 'build/version.json'), 1, 1)
  for (let calls = 0; calls < 3; calls++) await launch(dir, launcher)
  expect(await readFile(path.join(dir, 'npm-calls'), 'utf8')).toBe('ci\nrun\nrun\n')
})

test('nothing is started when the dependencies cannot be fetched', async () => {
  const dir = await makeProject('exit 7')
  await expect(launch(dir, path.join(dir, 'scripts/release'))).rejects.toMatchObject({ code: 7, stdout: '' })
  expect(await readFile(path.join(dir, 'npm-calls'), 'utf8')).toBe('ci\n')
})
