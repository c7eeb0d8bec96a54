/**
 * Stand-ins for what a job of examples/ci asks of its host and cannot have where tests run: packages and daemons are there
 * already, and nobody's device is changed. `ci-host-program.js NAME ARGS...` takes exactly the arguments of the examples;
 * anything else is an error. Each call that was taken is a line of `$CI_HOST_CALLS`.
 */
import { spawnSync } from 'node:child_process'
import { appendFileSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const [name = '', ...args] = process.argv.slice(2)
const line = args.join(' ')

function refuse(why: string): never {
  console.error(`${name} (a stand-in): ${why}: ${line}`)
  process.exit(99)
}

/** Of the packages that `scripts/setup` installs on hosts that run the tests. */
function isInstalled(packageName: string): boolean {
  const setup = readFileSync(fileURLToPath(new URL('../../../scripts/setup/packages.sh', import.meta.url)), 'utf8')
  const [, names = ''] = /^debian_packages=\(([^)]*)\)/m.exec(setup) ?? []
  return names.split(/\s+/).includes(packageName)
}

function handOn(program: string, argv: readonly string[]): never {
  process.exit(spawnSync(program, argv, { stdio: 'inherit' }).status ?? 98)
}

const INSTALL = /^install --yes --quiet --quiet --no-install-recommends (.*)$/
const taken: Readonly<Record<string, () => void>> = {
  sudo: () => {
    const [keep = '', program = '', ...argv] = args
    if (keep !== '--preserve-env' || program !== 'bash') refuse('it is asked for something else')
    handOn(program, argv)
  },
  'apt-get': () => {
    if (line === 'update --quiet --quiet') return
    const packages = INSTALL.exec(line)?.[1]?.split(' ') ?? refuse('it is asked for something else')
    const missing = packages.filter((packageName) => !isInstalled(packageName))
    if (missing.length > 0) refuse(`E: Unable to locate package ${missing.join(', ')}`)
  },
  systemctl: exactly('start libvirtd'),
  virtlogd: exactly('--daemon'),
  libvirtd: exactly('--daemon'),
  chgrp: exactly('kvm /dev/kvm'),
  chmod: () => {
    if (line === 'g+rw /dev/kvm') return
    if (line !== '-R a+rX lago-results') refuse('it is asked for something else')
    handOn('/bin/chmod', args)
  },
}

function exactly(expected: string): () => void {
  return () => {
    if (line !== expected) refuse('it is asked for something else')
  }
}

appendFileSync(process.env['CI_HOST_CALLS'] ?? refuse('no $CI_HOST_CALLS'), `${name} ${line}\n`)
const take = taken[name] ?? refuse('there is no stand-in of that name')
take()
