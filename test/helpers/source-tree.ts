/** A project's sources as oVirt's look from outside: they prepare themselves, and pack themselves by `make dist`. */
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'

export interface SourceTree {
  readonly name: string
  readonly version?: string
  /** Lines of the specification's `%build`. */
  readonly build?: readonly string[]
  /** Lines of the Makefile in front of its packing. */
  readonly dist?: readonly string[]
}

/** Made in `dir`; the package has a file with what `BUILD_GWT`, `NOSE_EXCLUDE` and the macros of the build were. */
export async function writeSourceTree(
  dir: string,
  { name, version = '9.0', build = [], dist = [] }: SourceTree,
): Promise<void> {
  await mkdir(dir, { recursive: true })
  const spec = [
    `Name: ${name}`,
    `Version: ${version}`,
    'Release: 1%{?dist}',
    'BuildArch: noarch',
    'BuildRequires: no-such-tool',
    'Summary: for a test',
    'License: none',
    'Source0: %{name}-%{version}.tar.gz',
    '%description',
    'For a test.',
    '%prep',
    '%setup -q',
    '%build',
    ...build,
    '%install',
    'mkdir -p %{buildroot}/etc',
    'echo "minimal=%{?ovirt_build_minimal} gwt=%{?ovirt_build_gwt} $(cat prepared)" > %{buildroot}/etc/%{name}',
    '%files',
    '/etc/%{name}',
    '',
  ]
  const makefile = [
    'dist:',
    ...dist.map((line) => `\t${line}`),
    `\techo "BUILD_GWT=$$BUILD_GWT NOSE_EXCLUDE=$$NOSE_EXCLUDE" >> prepared`,
    `\tmkdir ${name}-${version}`,
    `\tcp prepared ${name}.spec ${name}-${version}`,
    `\ttar czf ${name}-${version}.tar.gz ${name}-${version}`,
    '',
  ]
  const files: Record<string, string> = {
    [`${name}.spec`]: spec.join('\n'),
    Makefile: makefile.join('\n'),
    'autogen.sh': '#!/bin/sh\necho "autogen $*" >> prepared\n',
    configure: '#!/bin/sh\necho "configure $*" >> prepared\n',
  }
  for (const [file, content] of Object.entries(files)) await writeFile(path.join(dir, file), content)
  for (const script of ['autogen.sh', 'configure']) await chmod(path.join(dir, script), 0o755)
}
