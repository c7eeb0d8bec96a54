/** Verbs that print a file of another program's or of Lago's own format. */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { makeProject, TWO_EMPTY_VMS } from '../helpers/lago-project.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

describe('ansible_hosts', () => {
  test('prints the inventory and nothing else, by the keys that are named', async () => {
    const { lago, dir, read } = await makeProject(await makeTempDir(), { LagoInitFile: TWO_EMPTY_VMS })
    await lago(['init'])
    const { nics } = JSON.parse(await read('.lago/default/virt/vm-vm0')) as { nics: { ip: string }[] }
    const first = `vm0 ansible_host=${nics[0]?.ip} ansible_ssh_private_key_file=${dir}/.lago/default/id_rsa\nvm1 `
    for (const args of [[], ['-k'], ['-f', 'flat']]) {
      const run = await lago(['ansible_hosts', ...args])
      expect(run).toMatchObject({ exitCode: 0, stderr: '' })
      expect(run.stdout).toMatch(
        /^\[vm-type=default\]\nvm0 .*\nvm1 .*\n\[vm-provider=local-libvirt\]\nvm0 .*\nvm1 .*\n$/,
      )
      expect(run.stdout).toContain(first)
    }
    expect((await lago(['ansible_hosts', '-k', 'memory', 'vcpu'])).stdout).toMatch(
      /^\[memory=64\]\nvm0.*\nvm1.*\n\[vcpu=1\]\nvm0.*\nvm1.*\n$/,
    )
    const json = JSON.parse((await lago(['ansible_hosts', '--format', 'json', '-k', 'memory'])).stdout) as object
    expect(json).toMatchObject({ all: { children: { 'memory=64': { hosts: { vm0: {}, vm1: {} } } } } })
    expect((await lago(['-f', 'yaml', 'ansible_hosts'])).stdout).toMatch(/^all:\n {2}children:\n/)
    expect(await lago(['ansible_hosts', '-k', 'disks'])).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringContaining('LAGO_USAGE'),
    })
  })
})

describe('generate-config', () => {
  test('prints a file that has the same effect, whatever the output format', async () => {
    const dir = await makeTempDir()
    const project = await makeProject(dir, {}, { LAGO_SSH_PASSWORD: 'pass word', LAGO__DEPLOY__VERBOSE: 'x' })
    const env = { LAGO_OUT_FORMAT: 'json', LAGO__INIT__SKIP_BUILD: 'yes' }
    const first = await project.lago(['--ssh-tries', '7', 'generate-config'], { env })
    expect(first).toMatchObject({ exitCode: 0 })
    expect(first.stdout).toMatch(/^# Lago configuration file, generated: \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\n/)
    for (const line of ['ssh_password = pass word', 'ssh_tries = 7', 'out_format = json', 'skip_build = yes'])
      expect(first.stdout).toContain(`\n${line}\n`)
    expect(first.stderr).toMatch(/passwords in it \(ssh_password\)/)

    await mkdir(path.join(dir, 'config/lago'), { recursive: true })
    await writeFile(path.join(dir, 'config/lago/lago.conf'), first.stdout)
    const none = Object.fromEntries(
      Object.keys(project.env)
        .filter((name) => name.startsWith('LAGO_'))
        .map((name) => [name, '']),
    )
    const again = await project.lago(['generate-config'], { env: none })
    const body = (text: string): string => text.slice(text.indexOf('\n'))
    expect(body(again.stdout)).toBe(body(first.stdout))
  })

  test('--verbose says where values came from, and is not a setting itself', async () => {
    const { lago } = await makeProject(await makeTempDir(), {}, { LAGO_SSH_USER: 'me' })
    const { stdout } = await lago(['generate-config', '--verbose'])
    expect(stdout).toContain('# from: env:LAGO_SSH_USER\nssh_user = me\n')
    expect(stdout).toContain('# from: default\nlogdepth = 3\n')
    expect(stdout).toMatch(/\n\[export\]\n[\s\S]*\n#standalone = None\n/)
    expect(stdout).toContain('\n#verbose = None\n')
  })
})
