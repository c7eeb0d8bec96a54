/**
 * Result files in the form that JUnit's tasks began and CI servers read: those of pytest and nose are read, and one is
 * written where the runner has not.
 */
import path from 'node:path'
import { XMLParser } from 'fast-xml-parser'
import { element, renderXml, type XmlElement } from '../base/xml.js'
import { countTests, type ScenarioResult, type TestOutcome, type TestResult } from './types.js'

/** Undefined for what is no such file, or is not complete. */
export function readJunit(text: string): readonly TestResult[] | undefined {
  let document: unknown
  try {
    document = parser.parse(text, true)
  } catch {
    return undefined
  }
  const { testsuites, testsuite } = mappingOf(document)
  if (testsuites === undefined && testsuite === undefined) return undefined
  return suitesIn({ testsuite: [...listOf(testsuite), ...listOf(testsuites).map(mappingOf).flatMap(suitesOf)] })
}

/** Entities that a document declares are not expanded: nobody who writes such files needs any. */
const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseTagValue: false,
  parseAttributeValue: false,
  processEntities: { enabled: true, maxTotalExpansions: 1_000_000, maxExpandedLength: 100_000_000 },
  htmlEntities: true,
})

type Mapping = Readonly<Record<string, unknown>>

function mappingOf(value: unknown): Mapping {
  return typeof value === 'object' && value !== null ? (value as Mapping) : {}
}

function listOf(value: unknown): readonly unknown[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value]
}

function suitesOf(value: Mapping): readonly unknown[] {
  return listOf(value['testsuite'])
}

/** Suites may be in suites. */
function suitesIn(value: Mapping): readonly TestResult[] {
  return suitesOf(value)
    .map(mappingOf)
    .flatMap((suite) => [...listOf(suite['testcase']).map((test) => toResult(mappingOf(test))), ...suitesIn(suite)])
}

const OUTCOME_OF_TAG: readonly (readonly [string, TestOutcome])[] = [
  ['error', 'error'],
  ['failure', 'failed'],
  ['skipped', 'skipped'],
]

function toResult(test: Mapping): TestResult {
  const [tag, outcome] = OUTCOME_OF_TAG.find(([tag]) => test[tag] !== undefined) ?? [undefined, 'passed']
  const [told] = tag === undefined ? [] : listOf(test[tag])
  const text = typeof told === 'string' ? told : mappingOf(told)['#text']
  const message = mappingOf(told)['@message']
  return {
    name: [test['@classname'], test['@name']].filter((part) => typeof part === 'string' && part !== '').join('.'),
    outcome: outcome,
    durationMs: Math.round(Math.max(0, Number(test['@time'] ?? 0) || 0) * 1000),
    message: typeof message === 'string' && message !== '' ? message : undefined,
    details: typeof text === 'string' && text !== '' ? text : undefined,
  }
}

export function renderJunit(suite: string, result: ScenarioResult): string {
  const { total, failed, errors, skipped } = countTests(result.tests)
  const timestamp = new Date(result.startedAt).toISOString().replace(/Z$/, '')
  const attributes = { name: suite, tests: total, failures: failed, errors, skipped, time: seconds(result.durationMs) }
  return `<?xml version="1.0" encoding="utf-8"?>\n${renderXml(
    element('testsuites', {}, [
      element(
        'testsuite',
        { ...attributes, timestamp },
        result.tests.map((test) => testCase(path.parse(suite).name, test)),
      ),
    ]),
  )}`
}

function testCase(classname: string, { name, outcome, durationMs, message, details }: TestResult): XmlElement {
  const own = name.startsWith(`${classname}.`) ? name.slice(classname.length + 1) : name
  const tag = OUTCOME_OF_TAG.find(([, meant]) => meant === outcome)?.[0]
  const told = tag === undefined ? [] : [element(tag, { message: carried(message ?? outcome) }, carried(details ?? ''))]
  return element('testcase', { classname: carried(classname), name: carried(own), time: seconds(durationMs) }, told)
}

function seconds(durationMs: number): string {
  return (durationMs / 1000).toFixed(3)
}

/** Tests print what they like, and XML 1.0 (section 2.2) has no way to write some of it. */
function carried(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ud800-\udfff\ufffe\uffff]/gu, '\ufffd')
}
