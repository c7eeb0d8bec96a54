import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { CHECKS } from '../../../src/doctor/checks.js'
import { examine, worstOf } from '../../../src/doctor/doctor.js'
import { reportData, reportTable } from '../../../src/doctor/report.js'
import { distributionFamily } from '../../../src/doctor/remedy.js'
import {
  failed,
  ok,
  warning,
  type Check,
  type CheckResult,
  type Finding,
  type Subject,
} from '../../../src/doctor/types.js'
import type { HostFacts } from '../../../src/doctor/facts.js'
import { hostFacts } from '../../helpers/host-facts.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const subject: Subject = { facts: hostFacts({}), needs: undefined, dirs: [] }

function check(id: string, run: Check['run']): Check {
  return { id, title: `what ${id} looks at`, run }
}

describe('examine', () => {
  test('gives what each check finds, in their order', async () => {
    const checks = [check('a', async () => ok('good')), check('b', async () => failed('bad'))]
    expect(await examine(recordedTask().task, checks, subject)).toEqual([
      { id: 'a', title: 'what a looks at', outcome: 'ok', reason: 'good' },
      { id: 'b', title: 'what b looks at', outcome: 'failed', reason: 'bad', remedy: undefined },
    ])
  })

  test('a check that cannot be made is a warning, and so is one that does not come to an end', async () => {
    const checks = [
      check('throws', async () => Promise.reject(new Error('no such luck\nat all'))),
      check('hangs', async () => new Promise<Finding>(() => undefined)),
      check('works', async () => ok('good')),
    ]
    const [throws, hangs, works] = await examine(recordedTask().task, checks, subject, { limitMs: 20 })
    expect(throws).toMatchObject({ outcome: 'warning', reason: 'could not be looked at: no such luck' })
    expect(hangs).toMatchObject({
      outcome: 'warning',
      reason: 'could not be looked at: what hangs looks at did not end within 0.02 s',
    })
    expect(works).toMatchObject({ outcome: 'ok' })
  })

  test('an abort ends it', async () => {
    const recorded = recordedTask()
    const hangs = check('hangs', async () => new Promise<Finding>(() => undefined))
    const examined = examine(recorded.task, [hangs], subject)
    recorded.abort(new Error('enough'))
    await expect(examined).rejects.toThrow('enough')
  })
})

describe('--fix', () => {
  test('runs what is safe and looks again; what is not safe stays for the user', async () => {
    const filePath = path.join(await makeTempDir(), 'made')
    const isMade = async (): Promise<boolean> =>
      readFile(filePath).then(
        () => true,
        () => false,
      )
    const remedy = { command: `touch ${filePath}`, safe: [['touch', filePath] as const] }
    const checks = [
      check('safe', async () => ((await isMade()) ? ok('there') : failed('not there', remedy))),
      check('unsafe', async () => failed('not there', { command: 'false' })),
      check('fine', async () => ok('good')),
    ]
    const recorded = recordedTask()
    expect(await examine(recorded.task, checks, subject)).toMatchObject([{ outcome: 'failed' }, {}, {}])
    expect(await isMade()).toBe(false)
    const results = await examine(recorded.task, checks, subject, { fix: true })
    expect(results).toMatchObject([{ outcome: 'ok', wasFixed: true }, { outcome: 'failed' }, { outcome: 'ok' }])
    expect(results.slice(1).some((result) => 'wasFixed' in result)).toBe(false)
  })

  test('a remedy that several checks name is run once, and all checks are made again', async () => {
    const filePath = path.join(await makeTempDir(), 'log')
    const lines = async (): Promise<string> => readFile(filePath, 'utf8').catch(() => '')
    const remedy = { command: 'append', safe: [['sh', '-c', 'echo ran >> "$0"', filePath] as const] }
    const see = async (): Promise<Finding> => ((await lines()) === '' ? failed('not yet', remedy) : ok('done'))
    const checks = [check('a', see), check('b', see), check('c', async () => ok(await lines()))]
    const results = await examine(recordedTask().task, checks, subject, { fix: true })
    expect(results).toMatchObject([{ wasFixed: true }, { wasFixed: true }, { outcome: 'ok', reason: 'ran\n' }])
  })

  test('a remedy that fails is told, and the finding stays', async () => {
    const remedy = { command: 'false', safe: [['false'] as const] }
    const recorded = recordedTask()
    const results = await examine(recorded.task, [check('a', async () => failed('bad', remedy))], subject, {
      fix: true,
    })
    expect(results).toMatchObject([{ outcome: 'failed', reason: 'bad' }])
    expect(recorded.messages('warning')).toEqual([expect.stringContaining('false ended with exit code 1')])
  })
})

describe('the report', () => {
  const results: CheckResult[] = [
    { id: 'a', title: 'A', ...ok('good', { xz: '5.4' }) },
    { id: 'bb', title: 'B', ...warning('so so', { command: 'mend it', safe: [['mend', 'it']] }) },
    { id: 'c', title: 'C', ...failed('bad', { command: 'sudo mend' }) },
    { id: 'd', title: 'D', ...ok('good now'), wasFixed: true },
  ]

  test('is a line for each check, the commands below, and the verdict last', () => {
    expect(reportTable(results)).toBe(
      [
        'a   ok       good',
        'bb  warning  so so',
        'c   failed   bad',
        'd   ok       mended: good now',
        '',
        'To mend it:',
        '  bb (or lago doctor --fix):',
        '    mend it',
        '  c:',
        '    sudo mend',
        '',
        'this host is not ready: 1 failed, 1 warnings, 2 ok',
        '',
      ].join('\n'),
    )
  })

  test('is the same as data', () => {
    expect(reportData(results)).toEqual({
      verdict: 'failed',
      checks: {
        a: { title: 'A', state: 'ok', reason: 'good', details: { xz: '5.4' } },
        bb: { title: 'B', state: 'warning', reason: 'so so', command: 'mend it', fixable: true },
        c: { title: 'C', state: 'failed', reason: 'bad', command: 'sudo mend', fixable: false },
        d: { title: 'D', state: 'ok', reason: 'good now', fixed: true },
      },
    })
  })

  test('the worst finding is the verdict', () => {
    expect(worstOf([])).toBe('ok')
    expect(worstOf([ok('a'), warning('b')])).toBe('warning')
    expect(worstOf([failed('c'), ok('a'), warning('b')])).toBe('failed')
  })
})

test.each([
  ['ID=debian', 'apt'],
  ['ID=ubuntu\nID_LIKE=debian', 'apt'],
  ['ID="linuxmint"\nID_LIKE="ubuntu debian"', 'apt'],
  ['ID=fedora', 'dnf'],
  ["ID='rocky'\nID_LIKE='rhel centos fedora'", 'dnf'],
  ['ID=arch', undefined],
  ['', undefined],
])('the family of %j is %s', async (text, family) => {
  expect(await distributionFamily(hostFacts({ files: { '/usr/lib/os-release': text } }))).toBe(family)
})

test('every check has an id of its own', () => {
  const ids = CHECKS.map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids.filter((id) => !/^[a-z][a-z-]*$/.test(id))).toEqual([])
})

test('on a host of which nothing is known, no check says that all is well with what it could not see', async () => {
  const results = await examine(recordedTask().task, CHECKS, { ...subject, dirs: ['/srv/env'] })
  const wellAll = results.filter(({ outcome }) => outcome === 'ok').map(({ id }) => id)
  // root needs no group and may make directories; there is no /dev/kvm, SELinux, AppArmor or lease
  expect(wellAll).toEqual(['kvm-device', 'groups', 'selinux', 'apparmor', 'disk-space', 'store-dir', 'lease-dir'])
})

test('on a host that answers nothing at all, every check ends, and none vouches for anything', async () => {
  const never = async (): Promise<never> => new Promise(() => undefined)
  const known = hostFacts({ me: { name: 'ann', uid: 1000, gids: [1000] } })
  const silent = Object.fromEntries(
    Object.entries(known).map(([name, fact]: [string, unknown]) => [name, typeof fact === 'function' ? never : fact]),
  ) as unknown as HostFacts // each of its functions has become one that never answers
  const facts = { ...silent, now: () => 0 }
  const results = await examine(recordedTask().task, CHECKS, { facts, needs: undefined, dirs: ['/x'] }, { limitMs: 20 })
  expect(results.map(({ id, outcome }) => [id, outcome])).toEqual(CHECKS.map(({ id }) => [id, 'warning']))
})

test('every check is described', async () => {
  const text = await readFile(new URL('../../../../docs/doctor.md', import.meta.url), 'utf8')
  const described = [...text.matchAll(/^\| `([a-z-]+)` /gm)].map(([, id]) => id)
  expect(described).toEqual(CHECKS.map(({ id }) => id))
})
