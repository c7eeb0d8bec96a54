/** dnf and apt as users of a repository, with directories of their own: nothing of the host is read or changed. */
import { execFile } from 'node:child_process'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'

export interface Answer {
  readonly exitCode: number
  /** Standard output and standard error. */
  readonly text: string
}

/** `repoText`: a `.repo` file. `args` of dnf, as `['repoquery', 'lago']`; its root is `DIR/root`. */
export function dnfWith(
  dir: string,
  repoText: string,
  releasever: string,
): (...args: readonly string[]) => Promise<Answer> {
  return async (...args) => {
    for (const name of ['root', 'repos', 'cache', 'log']) await mkdir(path.join(dir, name), { recursive: true })
    await writeFile(path.join(dir, 'repos/lago.repo'), repoText)
    await writeFile(path.join(dir, 'dnf.conf'), '[main]\n')
    const settings = {
      reposdir: 'repos',
      cachedir: 'cache',
      logdir: 'log',
      persistdir: 'state',
      pluginconfpath: 'none',
    }
    const options = Object.entries(settings).map(([key, name]) => `--setopt=${key}=${path.join(dir, name)}`)
    return run('dnf', [
      ...[
        `--config=${path.join(dir, 'dnf.conf')}`,
        `--installroot=${path.join(dir, 'root')}`,
        `--releasever=${releasever}`,
      ],
      ...[...options, '--setopt=install_weak_deps=0', '--refresh', '--assumeyes', '--noplugins', ...args],
    ])
  }
}

/** `sourcesText`: a `.sources` file. `args` of apt-get, as `['update']`; what it downloads is put into `dir`. */
export function aptWith(dir: string, sourcesText: string): (...args: readonly string[]) => Promise<Answer> {
  return async (...args) => {
    const dirs = [
      'etc/apt/sources.list.d',
      'etc/apt/preferences.d',
      'etc/apt/apt.conf.d',
      'state/lists/partial',
      'cache/archives/partial',
    ]
    for (const name of dirs) await mkdir(path.join(dir, name), { recursive: true })
    await chmod(dir, 0o755)
    await writeFile(path.join(dir, 'etc/apt/sources.list.d/lago.sources'), sourcesText)
    await writeFile(path.join(dir, 'state/status'), '')
    const settings = {
      'Dir::Etc': path.join(dir, 'etc/apt'),
      'Dir::State': path.join(dir, 'state'),
      'Dir::State::status': path.join(dir, 'state/status'),
      'Dir::Cache': path.join(dir, 'cache'),
      'APT::Sandbox::User': 'root',
      'Acquire::Languages': 'none',
      'Acquire::http::Proxy': 'false',
    }
    const options = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`])
    return run('apt-get', [...options, ...args], dir)
  }
}

async function run(program: string, args: readonly string[], cwd = '/'): Promise<Answer> {
  const env = { ...process.env, LC_ALL: 'C', http_proxy: '', https_proxy: '' }
  return new Promise((resolve) => {
    execFile(program, args, { cwd, env }, (error, stdout, stderr) => {
      resolve({ exitCode: typeof error?.code === 'number' ? error.code : error ? -1 : 0, text: stdout + stderr })
    })
  })
}
