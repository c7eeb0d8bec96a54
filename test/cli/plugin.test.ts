import { execFile } from 'node:child_process'
import { cp, mkdir, symlink } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { makeProject, TWO_EMPTY_VMS } from '../helpers/lago-project.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const makeTempDir = useTempDirs()

/** `examples/plugin` somewhere else, with this Lago installed beside it as `npm link` does. */
async function installedExample(dir: string): Promise<string> {
  const plugin = path.join(dir, 'example')
  await cp(path.join(ROOT, 'examples/plugin'), plugin, { recursive: true })
  await mkdir(path.join(plugin, 'node_modules'))
  await symlink(ROOT, path.join(plugin, 'node_modules/lago'))
  return plugin
}

test('the example plugin passes its own test', async () => {
  const cwd = await installedExample(await makeTempDir())
  const { code, output } = await new Promise<{ code: number; output: string }>((resolve) => {
    // without jest's own marks in the environment, which node's runner takes for a run inside a run
    const env = { PATH: process.env['PATH'], HOME: cwd }
    const child = execFile(process.execPath, ['--test', '--test-reporter=tap'], { cwd, env }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, output: stdout + stderr }),
    )
  })
  expect(output).toMatch(/^# pass 3$/m)
  expect(output).toMatch(/^# fail 0$/m)
  expect(code).toBe(0)
})

test('a configuration file names a plugin that stands beside it; --no-plugins goes without', async () => {
  const plugin = 'export default { name: "p", api: 1, vmTypes: { special: {} } }'
  const { lago } = await makeProject(await makeTempDir(), {
    LagoInitFile: TWO_EMPTY_VMS.replace('memory: 64', 'memory: 64\n    vm-type: special'),
    'config/lago/lago.conf': '[lago]\nplugins = ./p.mjs\n',
    'config/lago/p.mjs': plugin,
  })
  expect(await lago(['--no-plugins', 'init'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringMatching(/unknown VM type .?special.?; known: default/),
  })
  expect(await lago(['init'])).toMatchObject({ exitCode: 0 })
  expect(await lago(['start'])).toMatchObject({ exitCode: 0 })
  const stop = await lago(['--no-plugins', 'stop'])
  expect(stop.exitCode).toBe(0)
})

test('a service manager of a plugin may be named in an init file, one that nobody defines may not', async () => {
  const nothing = 'async () => undefined'
  const runit = `{ binary: "/usr/bin/sv", state: ${nothing}, start: ${nothing}, stop: ${nothing} }`
  const { lago } = await makeProject(await makeTempDir(), {
    LagoInitFile: TWO_EMPTY_VMS.replace('memory: 64', 'memory: 64\n    service_provider: runit'),
    'p.mjs': `export default { name: "p", api: 1, services: { runit: ${runit} } }`,
  })
  expect(await lago(['init'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringMatching(/unknown service manager .?runit.?; known: systemd, sysvinit, systemdcontainer/),
  })
  expect(await lago(['init'], { env: { LAGO_PLUGINS: './p.mjs' } })).toMatchObject({ exitCode: 0 })
})

test('a plugin that cannot be loaded is one error, and Lago works without it', async () => {
  const { lago } = await makeProject(
    await makeTempDir(),
    { LagoInitFile: TWO_EMPTY_VMS, 'p.mjs': 'import "lago-no-such-thing"' },
    { LAGO_PLUGINS: './p.mjs' },
  )
  const broken = await lago(['init'])
  expect(broken).toMatchObject({ exitCode: 2, stdout: '' })
  expect(broken.stderr).toMatch(
    /^plugin \.\/p\.mjs \(env:LAGO_PLUGINS\) cannot be loaded: .*lago-no-such-thing.*\n {2}hint: /,
  )
  expect(await lago(['--no-plugins', 'init'])).toMatchObject({ exitCode: 0 })
  expect(await lago(['--version'])).toMatchObject({ exitCode: 0, stderr: '' })
})

test('a machine of others is in the environment, runs always, and is left alone', async () => {
  const { lago } = await makeProject(await makeTempDir(), {
    LagoInitFile: TWO_EMPTY_VMS.replace('memory: 64', 'memory: 64\n    vm-provider: ssh'),
  })
  expect(await lago(['init'])).toMatchObject({ exitCode: 0 })
  const status = async (): Promise<string> => (await lago(['-f', 'flat', 'status'])).stdout
  expect(await status()).toMatch(/VMs\/vm0\/status: running\n[\s\S]*VMs\/vm1\/status: down/)
  expect(await lago(['start'])).toMatchObject({ exitCode: 0 })
  const stop = await lago(['-l', 'debug', '--logdepth', '-1', 'stop'])
  expect(stop).toMatchObject({
    exitCode: 0,
    stderr: expect.stringContaining('vm0 is left alone: it is a machine of others'),
  })
  expect(await lago(['shutdown', 'vm0'])).toMatchObject({ exitCode: 0 })
  expect(await status()).toContain('VMs/vm0/status: running')
  expect(await lago(['destroy', '--yes'])).toMatchObject({ exitCode: 0 })
})
