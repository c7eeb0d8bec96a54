/**
 * A stand-in for mock(1), which Debian does not have: takes exactly the arguments that Lago gives it, and builds without a
 * chroot. Anything else is an error, as is a configuration that mock would not have.
 */
import { spawnSync } from 'node:child_process'
import { appendFileSync, existsSync } from 'node:fs'
import path from 'node:path'

const ROOTS =
  /^(epel-6-x86_64|epel-7-x86_64|fedora-21-x86_64|fedora-22-x86_64|epel-6-x86_64_ovirt|epel-7-x86_64_ovirt)$/

function refuse(why: string): never {
  console.error(`ERROR: ${why}`)
  process.exit(5)
}

const args = process.argv.slice(2)
const take = (pattern: RegExp): RegExpExecArray | undefined => {
  const found = pattern.exec(args[0] ?? '')
  if (found !== null) args.shift()
  return found ?? undefined
}

const root = take(/^--root=(.*)$/)?.[1] ?? refuse('--root is not the first argument')
if (!ROOTS.test(root)) refuse(`Could not find required config file: /etc/mock/${root}.cfg`)
const defines: string[] = []
while (take(/^--define$/) !== undefined)
  defines.push(take(/^ovirt_build_(minimal 1|gwt [01])$/)?.[0] ?? refuse('a define'))
const resultDir = take(/^--resultdir=(\/.*)$/)?.[1] ?? refuse('--resultdir is missing or not absolute')
if (take(/^--rebuild$/) === undefined) refuse('--rebuild is missing')
const sourcePackage = take(/\.src\.rpm$/)?.input ?? refuse('no source package')
if (args.length > 0) refuse(`surplus: ${args.join(' ')}`)
if (!existsSync(sourcePackage) || !existsSync(resultDir)) refuse('source package or result directory is not there')

const [, kind = '', version = ''] = /^(epel|fedora)-(\d+)/.exec(root) ?? []
const macros = [
  `_topdir ${path.join(resultDir, '..', `.mock-${root}`)}`,
  `_rpmdir ${resultDir}`,
  `dist .${kind === 'epel' ? 'el' : 'fc'}${version}`,
  '_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm',
  ...defines,
].flatMap((macro) => ['--define', macro])
const built = spawnSync('rpmbuild', ['--rebuild', '--nodeps', ...macros, sourcePackage], { encoding: 'utf8' })
appendFileSync(path.join(resultDir, 'build.log'), `mock with ${root}\n${built.stdout}${built.stderr}`)
console.log(`INFO: mock.py version 0 (a stand-in) ${root}`)
if (built.status !== 0) refuse(`Exception(${sourcePackage}) Config(${root})`)
